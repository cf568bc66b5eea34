// Separates the Worker's log from the other output of `wrangler dev`. Wrangler offers no way to have one without the
// other, so its own lines are recognised by their form; any line that is not recognised is shown.

import { stripVTControlCharacters } from "node:util";

/** Patterns of wrangler's own lines. */
const CHATTER = [
  /^\[wrangler:(?:info|warn)\]/,
  /^⎔ (?:Starting local server|Connection status)/,
  /^ ⛅️ wrangler/,
  /^─+$/,
  /^🪵 {2}Logs were written/,
  /^(?:Using secrets defined in|Your Worker has access to|Binding {2,}|env\.[A-Z_]+ (?:\(| +))/,
  // It asks Cloudflare for this machine's location, and prints a stack trace if there is no network. The answer is not
  // needed.
  /^Error: getaddrinfo ENOTFOUND workers\.cloudflare\.com/,
  /^ {4}at .*\(node:dns:/,
  /^▲ \[WARNING\] (?:Scheduled Workers are not|Unable to fetch the `Request\.cf`|Processing wrangler)/,
];

/** Wrangler's mark of a warning or an error on stderr. */
const MARK = /^(?:▲|✘) \[(WARNING|ERROR)\] /;

const IDLE = 200; // ms after which an entry without a recognisable end is taken as complete

/**
 * Returns a function that takes the text of one output stream as it arrives. It passes each entry of the Worker's log
 * to `show` as one line; logged objects, which span several lines, are joined into one.
 */
export function workerLines(show: (line: string) => void): (text: string) => void {
  let rest = "";
  let entry: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    const [first = ""] = entry;
    const glue = /[{[]$/.test(first) ? " " : "\n  ";
    if (entry.length > 0 && !isChatter(first)) show(entry.join(glue).replace(MARK, label));
    entry = [];
  };
  const take = (line: string): void => {
    // An entry continues while its lines are indented, or close what the first line opened.
    const goesOn = entry.length > 0 && /^(?:\s+\S|[}\]])/.test(line) && !MARK.test(line);
    if (!goesOn && line.trim() !== "") flush();
    if (line.trim() !== "") entry.push(goesOn ? line.trim() : line);
    clearTimeout(timer);
    if (isWhole(entry)) flush();
    else timer = setTimeout(flush, IDLE).unref();
  };
  return (text) => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) take(stripVTControlCharacters(line)); // wrangler colours warnings even with NO_COLOR
  };
}

function isChatter(line: string): boolean {
  return CHATTER.some((pattern) => pattern.test(line));
}

/** Whether the entry is complete: every entry except an object is shown line by line. */
function isWhole(entry: readonly string[]): boolean {
  const first = entry[0]?.replace(MARK, "");
  if (first === undefined) return false;
  if (!/^[{[]$/.test(first)) return !MARK.test(entry[0] ?? "") || first.startsWith("{");
  return entry.length > 1 && isBalanced(entry.join(" ").replace(MARK, ""));
}

/** Whether all brackets in the output of util.inspect are closed; brackets in quoted text do not count. */
function isBalanced(text: string): boolean {
  const bare = text.replaceAll(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`/g, "");
  return (bare.match(/[{[]/g)?.length ?? 0) <= (bare.match(/[}\]]/g)?.length ?? 0);
}

function label(_mark: string, level: string): string {
  return `${level.toLowerCase()}: `;
}
