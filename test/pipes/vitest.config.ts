// For `npm run test:peers` (command.ts): the same runtime, other tests, other peers.

import config from "../support/runtime.ts";

export default config({ include: ["test/pipes/**/*.peer.ts"], globalSetup: ["test/pipes/peers/real.ts"] });
