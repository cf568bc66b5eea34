// Commands that a page's session finds in place of the real ones: curl, which fails on an HTTP error and sends nothing
// to other machines, and tools that need an account or take long, which are only noted, to be checked afterwards.

import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A command that was not run: its place, and its words, the first of which is its name. */
export interface Noted {
  step: string;
  words: string[];
}

/** Tools of this project; their commands are checked. */
const CHECKED = ["npm", "npx", "wrangler"];
/** Tools of others, which need not be installed. */
const OTHERS = [
  "git",
  "docker",
  "aws",
  "gcloud",
  "az",
  "kubectl",
  "terraform",
  "psql",
  "sqlite3",
  "open",
  "xdg-open",
  "crontab",
];

const NOTE = `note() { # WORD...: one file each, the words ended by zero bytes
  printf '%s\\0' "$DOCS_STEP" "$@" > "$(mktemp "$DOCS_NOTES/XXXXXXXX")"
}`;

const NOTED = `#!/usr/bin/env bash
${NOTE}
note "\${0##*/}" "$@"
`;

const CURL = `#!/usr/bin/env bash
${NOTE}
here= away= skip=
for word in "$@"; do
  if [ -n "$skip" ]; then skip=; continue; fi
  case $word in
    -D*|--dump-header*) echo "the harness needs curl's -D for itself" >&2; exit 2 ;;
    -d|--data|--data-raw|--data-binary|--data-urlencode|--json|-H|--header|-u|--user|-F|--form|-w|--write-out) skip=yes ;;
    http://localhost*|http://127.0.0.1*|localhost*|127.0.0.1*) here=yes ;;
    http://*|https://*) away=yes ;;
  esac
done
if [ -n "$away" ]; then note curl "$@"; exit 0; fi
headers=$(mktemp)
"$DOCS_CURL" -sS --max-time 20 -D "$headers" "$@"
code=$?
for status in $(sed -n 's/^HTTP\\/[0-9.]* \\([0-9]*\\).*/\\1/p' "$headers"); do
  printf . >> "$DOCS_COUNTS/requests"
  [ "$status" -lt 400 ] && continue
  if [ "$status" = "$DOCS_REFUSED" ]; then
    printf . >> "$DOCS_COUNTS/refused"
  else
    echo "curl: the answer is $status" >&2
    [ "$code" = 0 ] && code=22
  fi
done
rm -f "$headers"
exit "$code"
`;

/** Writes the stand-ins into `folder`, which must come first in a session's PATH. */
export async function writeStandIns(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const scripts = [["curl", CURL], ...[...CHECKED, ...OTHERS].map((name) => [name, NOTED])];
  for (const [name = "", text = ""] of scripts) {
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), 0o755);
  }
}

/** The commands that were noted in a session's folder. */
export async function readNotes(folder: string): Promise<Noted[]> {
  const files = await readdir(folder);
  const texts = await Promise.all(files.map(async (file) => await readFile(join(folder, file), "utf8")));
  return texts.map((text) => {
    const [step = "", ...words] = text.split("\0").slice(0, -1);
    return { step, words };
  });
}

/** Whether the command belongs to a tool that need not be installed. */
export const isForeign = ({ words: [name = ""] }: Noted): boolean => OTHERS.includes(name);
