// What the Worker loads only when something asks for it, loaded beforehand: in the tests that takes longer than a simulated
// deadline allows, for each module is compiled on the way.

/** Loads all of it. */
export async function loadLazyModules(): Promise<void> {
  await Promise.all([
    import("../../src/app.ts"),
    import("../../src/background.ts"),
    import("../../src/pipes/work.ts"),
    import("node:crypto"),
    import("node:zlib"),
  ]);
}
