// `npm run build`: writes all files that the Worker serves into dist/assets. wrangler runs it before it bundles (see
// [build] in wrangler.toml), and so do the tests.

import { buildDocs } from "../docs/site/build.ts";

await buildDocs();
