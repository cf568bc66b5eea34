// What a user would set up instead: Express with its JSON body parser, basic auth, and an insert per event into SQLite in
// WAL mode, as the providers' guides show it. Plain JavaScript, because Express brings no types.
//
// `synchronous = NORMAL` is what better-sqlite3, the driver that guides use, has in WAL mode: its 200 does not wait for the disk.

import express from "express";
import { DatabaseSync } from "node:sqlite";

const [, , file, user, password] = process.argv;

const db = new DatabaseSync(file);
db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
db.exec(`
  CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, type TEXT NOT NULL, contact TEXT NOT NULL,
    message_id TEXT NOT NULL, at INTEGER NOT NULL, payload TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS events_contact ON events (contact, at);
  CREATE INDEX IF NOT EXISTS events_message ON events (message_id);
`);
const insert = db.prepare(
  "INSERT OR IGNORE INTO events (id, type, contact, message_id, at, payload) VALUES (?, ?, ?, ?, ?, ?)",
);

const expected = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

const app = express();
app.use((req, res, next) => {
  if (req.get("authorization") === expected) next();
  else res.sendStatus(401);
});
app.use(express.json({ limit: "5mb" }));

app.post("/webhooks/:source", (req, res) => {
  for (const event of Array.isArray(req.body) ? req.body : [req.body]) {
    const messageId = event.sg_message_id ?? event.Message_GUID;
    const seconds = event.timestamp ?? event.time;
    const id = event.sg_event_id ?? `${messageId}:${event.event}:${seconds}`;
    insert.run(id, event.event, event.email, messageId, seconds * 1000, JSON.stringify(event));
  }
  res.json({ received: true });
});

const server = app.listen(0, "127.0.0.1", () => process.send?.(server.address()));
process.once("disconnect", () => process.exit());
