// Reads the Worker's log while it runs: the fate of each envelope in the queue, and every unexpected line.

import { leaks } from "./oracles.ts";

/** Lines that the Worker may log if all is well. Any other line is a finding. */
const EXPECTED: readonly RegExp[] = [
  /message: 'a request was refused'/,
  /message: 'a provider (?:set up|tested) its URL'/,
  /message: 'a job did its work'/,
  /message: 'a pipe was paused'/,
  /message: "the database's fill level"/,
  /message: 'a request could not be served',.* reason: '(?:the body did not come (?:whole|in time)|too many unproven bodies at once)'/,
];

/**
 * Lines of the local server about senders that leave, and of the runtime about alarms; they are not the Worker's.
 */
const WRANGLER: readonly RegExp[] = [
  /^(?:warning|error): NOSENTRY SQLite alarm overdue, running despite AlarmManager mismatch/,
  /^error: Error inside ProxyWorker .*: Network connection lost\.$/,
  /^error: Failed to drain the unused request body\. Error: Network connection lost\./,
];

/** The local runtime broke off its forwarding of the log, so some of the Worker's lines are missing. */
const GAP = /^error: exception = workerd\/io\/trace-stream\.c\+\+.* tail session was canceled/;

const MARK = "fuzz-queue ";
/** The line by which the Worker of the fuzz reports that a request to another machine was blocked. */
const KEPT_IN = "fuzz-kept-in";

/** Text that looks like an address. */
export const ADDRESS = /[^\s'"@]+@[\w-]+\.\w/;

/** The contents of the Worker's log so far. */
export interface WorkerLog {
  /** Reads a line of the log. */
  take(line: string): void;
  /** The unexpected lines since the last call. */
  newFindings(): string[];
  /** The acknowledged envelopes, with their numbers of elements. */
  acknowledged: Map<string, number>;
  /** Numbers of acknowledged messages by queue: more than envelopes if one was delivered twice. */
  messages: Map<string, number>;
  /** How many messages by queue had an envelope that was acknowledged before. */
  again: Map<string, number>;
  /** How often the runtime lost lines of the log. */
  gaps(): number;
  /** How many requests and connections to other machines were blocked. */
  keptIn(): number;
}

interface Told {
  queue: string;
  messages: [id: string, elements: number, attempts: number, end: string][];
}

/** Starts with an empty log. */
export function startWorkerLog(): WorkerLog {
  const findings: string[] = [];
  const acknowledged = new Map<string, number>();
  const messages = new Map<string, number>();
  const again = new Map<string, number>();
  let gaps = 0;
  let keptIn = 0;
  const takeQueue = ({ queue, messages: told }: Told): void => {
    if (queue === "tidings-dead") findings.push(`${told.length} messages were given up by the queue`);
    for (const [id, elements, attempts, end] of told) {
      if (end !== "ack") findings.push(`the message of envelope ${id} ended in ${end} at try ${attempts}`);
      else {
        if (acknowledged.has(id)) again.set(queue, (again.get(queue) ?? 0) + 1);
        acknowledged.set(id, elements);
      }
      if (end === "ack") messages.set(queue, (messages.get(queue) ?? 0) + 1);
    }
  };
  return {
    acknowledged,
    messages,
    again,
    gaps: () => gaps,
    keptIn: () => keptIn,
    newFindings: () => findings.splice(0),
    take: (line) => {
      if (line.startsWith(MARK)) return takeQueue(JSON.parse(line.slice(MARK.length)));
      if (line === KEPT_IN) return void (keptIn += 1);
      if (WRANGLER.some((pattern) => pattern.test(line))) return;
      if (GAP.test(line)) return void (gaps += 1);
      if (leaks(line))
        findings.push(`the log shows a secret, a path or a stack trace: ${line.slice(0, 1000)}`);
      else if (ADDRESS.test(line)) findings.push(`the log shows an address: ${line.slice(0, 1000)}`);
      else if (!EXPECTED.some((pattern) => pattern.test(line)))
        findings.push(`the log says: ${line.slice(0, 1000)}`);
    },
  };
}
