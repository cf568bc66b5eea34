// Why something that a person asked of a pipe was not done. Callers turn a failure into their own words: /v1 into
// problem details, a command line into a message.

/** A setting that its kind does not take. `setting`: its path in the settings; '' for all of them. */
export interface WrongSetting {
  setting: string;
  reason: string;
}

/** A failure, by its `code`. */
export type PipeFailure =
  | { code: "no_pipe"; id: string | null }
  | { code: "no_event"; id: string }
  | { code: "no_kind"; kind: string }
  | { code: "name_taken"; name: string }
  | { code: "too_many_pipes"; most: number }
  | { code: "wrong_settings"; wrong: readonly WrongSetting[] }
  /** The filter that was passed. */
  | { code: "wrong_filter"; reason: string }
  /** A pipe has as many redeliveries under way as it may, or as many events wait in it. */
  | { code: "too_many_redeliveries" | "too_many_waiting"; name: string; most: number }
  /** Another change came first, or the new name is taken. */
  | { code: "changed_meanwhile" }
  | { code: "already_paused" }
  /** Kinds whose secrets come from the destination have none that Tidings could replace. */
  | { code: "no_own_secrets"; kind: string }
  /** As many secrets are in use as may be. `until`: when the next one of them ends, ms; null if none has an end. */
  | { code: "too_many_secrets"; until: number | null }
  /** Pipes of this kind need something that the deployment does not have. */
  | { code: "kind_lacks"; kind: string; reason: string }
  /** The secrets cannot be encrypted. */
  | { code: "no_key"; reason: string }
  /** The pipe cannot send anything as it is. */
  | { code: "not_runnable"; reason: string };
