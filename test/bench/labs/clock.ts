// Time inside of workerd, where the clock stands still between I/O. A timer is the I/O that costs least: other kinds take
// some ms themselves, which would make a short measurement's two sides look alike.

/** ms, of this very moment. */
export async function clock(): Promise<number> {
  await scheduler.wait(0);
  return performance.now();
}
