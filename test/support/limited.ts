// Every test runs within the platform's limits (limits.ts), and fails if it went beyond one.

import { afterEach } from "vitest";
import { enforceLimits, takeCrossed } from "./limits.ts";

enforceLimits();
afterEach(() => {
  const crossed = takeCrossed();
  if (crossed.length > 0) throw new Error(crossed.join("\n"));
});
