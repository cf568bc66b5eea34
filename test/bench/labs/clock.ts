// Time inside of workerd, where the clock stands still between I/O.

/** Something that does I/O and no more. */
type Tick = Pick<R2Bucket, "head">;

/** ms, of this very moment. */
export async function clock(bucket: Tick): Promise<number> {
  await bucket.head("clock");
  return performance.now();
}
