// For `npm run test:peers` (command.ts): the same runtime, other tests, other peers.

import config from "../vitest.config.ts";

export default {
  ...config,
  test: { ...config.test, include: ["test/pipes/**/*.peer.ts"], globalSetup: ["test/pipes/peers/real.ts"] },
};
