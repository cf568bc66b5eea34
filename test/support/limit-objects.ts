// Durable Objects within the platform's limits: each call of one, and each alarm, is an invocation of its own, what goes
// over the call is bounded, and so is every value that the object stores.

import { Contact } from "../../src/contact/contact.ts";
import { Pipe } from "../../src/pipes/pipe.ts";
import { asInvocation, change, sizeOf, within } from "./limits.ts";

type Method = (this: { ctx: DurableObjectState }, ...args: unknown[]) => Promise<unknown>;

for (const type of [Contact, Pipe])
  for (const name of Object.getOwnPropertyNames(type.prototype))
    if (name !== "constructor")
      change(type.prototype, name, (call) => {
        const method: Method = async function (...args) {
          limitStorage(this.ctx.storage);
          within("call", sizeOf(args), `${name} of an object`);
          const answer = await asInvocation(async () => await Reflect.apply(call, this, args));
          within("call", sizeOf(answer), `${name} of an object`);
          return answer;
        };
        return method as (this: unknown, ...args: unknown[]) => unknown;
      });

const limited = new WeakSet<object>();

/** Storage has no prototype before there is an object, so the first call of one puts the checks in place. */
function limitStorage({ kv, sql }: DurableObjectStorage): void {
  const prototypes = [kv, sql].map((one) => Object.getPrototypeOf(one) as object);
  const [ofKv = {}, ofSql = {}] = prototypes;
  if (limited.has(ofKv) || ofKv === Object.prototype) return; // the simulation has storage of its own
  for (const prototype of prototypes) limited.add(prototype);
  change(
    ofKv,
    "put",
    (put) =>
      function (...args) {
        within("stored", sizeOf(args[1]), `put ${String(args[0])}`);
        return Reflect.apply(put, this, args);
      },
  );
  change(
    ofSql,
    "exec",
    (exec) =>
      function (...args) {
        within("statement", sizeOf(args[0]), String(args[0]));
        within("parameters", args.length - 1, String(args[0]));
        for (const value of args.slice(1)) within("stored", sizeOf(value), String(args[0]));
        return Reflect.apply(exec, this, args);
      },
  );
}
