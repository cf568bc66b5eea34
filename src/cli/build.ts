// `npm run build`: everything that the Worker serves as a file, into dist/assets. wrangler runs it before it bundles (see
// [build] in wrangler.toml), and so do the tests.

import { buildDocs } from "../docs/site/build.ts";

await buildDocs();
