// Triggers with which tests write to the views `events` and `messages` as if they were tables: `details` as JSON, with all
// of an event's details in it or in their columns. Only the tests' databases have them.

const KIND = ["source", "provider", "type", "bounce", "reason", "destination", "machine"];
const told = (column: string): string =>
  `coalesce(NEW.${column}, iif(substr(NEW.details, 1, 1) = '{', NEW.details->>'${column}'))`;
const kindValue = (column: string): string =>
  column === "reason" ? `coalesce(${told(column)}, '')` : `NEW.${column}`;
const ADD_KIND = `INSERT INTO event_kinds (${KIND.join(", ")}) SELECT ${KIND.map(kindValue).join(", ")}
  WHERE NOT EXISTS (SELECT 1 FROM event_kinds AS k WHERE ${KIND.map((c) => `k.${c} = ${kindValue(c)}`).join(" AND ")})`;
const KIND_OF = `(SELECT kind FROM event_kinds AS k WHERE ${KIND.map((c) => `k.${c} = ${kindValue(c)}`).join(" AND ")})`;
const TAGS = "coalesce(NEW.tags, iif(substr(NEW.details, 1, 1) = '{', NEW.details->'tags'))";
const DETAILS = `iif(substr(NEW.details, 1, 1) = '{',
  nullif(json_remove(NEW.details, '$.reason', '$.custom_id', '$.tags'), '{}'), unhex(NEW.details))`;

/** The statements that make the views writable. */
export const WRITABLE_EVENTS: readonly string[] = [
  `CREATE TRIGGER events_insert INSTEAD OF INSERT ON events BEGIN
    ${ADD_KIND};
    INSERT INTO event_rows (id, seq, kind, contact, at, received_at, message_id, campaign, line, element, custom_id, tags, details)
    VALUES (NEW.id, NEW.seq, ${KIND_OF}, NEW.contact, NEW.at, NEW.received_at, NEW.message_id, NEW.campaign, NEW.line, NEW.element,
      ${told("custom_id")}, ${TAGS}, ${DETAILS});
  END`,
  `CREATE TRIGGER events_update INSTEAD OF UPDATE ON events BEGIN
    ${ADD_KIND};
    UPDATE event_rows SET id = NEW.id, seq = NEW.seq, kind = ${KIND_OF}, contact = NEW.contact, at = NEW.at,
      received_at = NEW.received_at, message_id = NEW.message_id, campaign = NEW.campaign, line = NEW.line,
      element = NEW.element, custom_id = ${told("custom_id")}, tags = ${TAGS}, details = ${DETAILS}
    WHERE id = OLD.id;
  END`,
  `CREATE TRIGGER events_delete INSTEAD OF DELETE ON events BEGIN
    DELETE FROM event_rows WHERE id = OLD.id;
  END`,
  `CREATE TRIGGER messages_delete INSTEAD OF DELETE ON messages BEGIN
    DELETE FROM message_rows WHERE message_id = OLD.message_id AND prefix = OLD.prefix;
  END`,
];
