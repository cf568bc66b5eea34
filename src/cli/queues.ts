// Settings of the queues themselves. wrangler.toml only knows how their messages are delivered.

/** The queues, as wrangler.toml names them. */
export const QUEUES = ["tidings-deliveries", "tidings-dead", "tidings-email-events"];

/** How long a queue keeps a message, in seconds: 14 days, the most that Cloudflare allows; by default it is four. */
const RETENTION = 14 * 86_400;

/** The arguments with which wrangler makes a queue keep its messages for 14 days. Repeating it changes nothing. */
export function keepLonger(queue: string): string[] {
  return ["queues", "update", queue, "--message-retention-period-secs", String(RETENTION)];
}
