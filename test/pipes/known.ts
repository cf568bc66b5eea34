// What peers and suites agree on: apart from both, because the ones run in Node and the others in workerd.

/** The signing secret that the webhook receiver knows if it is told nothing else. */
export const KNOWN_SECRET = "whsec_dGhlIHJlY2VpdmVyJ3Mgb3duIHNlY3JldCE=";
