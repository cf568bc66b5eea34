// Picks the Worker's log out of what `wrangler dev` prints. Wrangler gives no way to have the one without the other, so
// its own lines are known by their looks; whatever is not known as chatter is shown.

import { stripVTControlCharacters } from "node:util";

/** Lines by which wrangler talks about itself. */
const CHATTER = [
  /^\[wrangler:(?:info|warn)\]/,
  /^⎔ (?:Starting local server|Connection status)/,
  /^ ⛅️ wrangler/,
  /^─+$/,
  /^🪵 {2}Logs were written/,
  /^(?:Using secrets defined in|Your Worker has access to|Binding {2,}|env\.[A-Z_]+ (?:\(| +))/,
  // It asks Cloudflare where this machine is, and shows a stack trace where there is no network. Nothing needs the answer.
  /^Error: getaddrinfo ENOTFOUND workers\.cloudflare\.com/,
  /^ {4}at .*\(node:dns:/,
  /^▲ \[WARNING\] (?:Scheduled Workers are not|Unable to fetch the `Request\.cf`|Processing wrangler)/,
];

/** Wrangler's mark of a warning or an error on stderr. */
const MARK = /^(?:▲|✘) \[(WARNING|ERROR)\] /;

const IDLE = 200; // ms after which an entry of unknown end is taken as complete

/**
 * Takes the text of one output stream as it comes; gives the Worker's entries, each as one line, to `show`. Logged objects
 * span several lines; they are put back into one. The returned function takes the next text.
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
    // An entry goes on while its lines are indented, or close what the first one opened.
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
    for (const line of lines) take(stripVTControlCharacters(line)); // it colours warnings whatever NO_COLOR says
  };
}

function isChatter(line: string): boolean {
  return CHATTER.some((pattern) => pattern.test(line));
}

/** Whether nothing more belongs to the entry: anything but an object is shown line by line. */
function isWhole(entry: readonly string[]): boolean {
  const first = entry[0]?.replace(MARK, "");
  if (first === undefined) return false;
  if (!/^[{[]$/.test(first)) return !MARK.test(entry[0] ?? "") || first.startsWith("{");
  return entry.length > 1 && isBalanced(entry.join(" ").replace(MARK, ""));
}

/** Whether all brackets are closed, for what util.inspect prints: the ones in quoted text do not count. */
function isBalanced(text: string): boolean {
  const bare = text.replaceAll(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`/g, "");
  return (bare.match(/[{[]/g)?.length ?? 0) <= (bare.match(/[}\]]/g)?.length ?? 0);
}

function label(_mark: string, level: string): string {
  return `${level.toLowerCase()}: `;
}
