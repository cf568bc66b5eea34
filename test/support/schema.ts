// Every test file begins with empty storage; this empties what it shares with others, and creates the schema.

import { freshStorage } from "./support.ts";

await freshStorage();
