// TC39 "JSON.parse source text access" (V8 since 11.4), newer than the type library.

interface JSON {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source: string }) => unknown,
  ): unknown;
  /** Returns a value that JSON.stringify writes as exactly this text. */
  rawJSON(text: string): unknown;
}
