// What peers and suites agree on: apart from both, because the ones run in Node and the others in workerd.

/** The signing secret that the webhook receiver knows if it is told nothing else. */
export const KNOWN_SECRET = "whsec_dGhlIHJlY2VpdmVyJ3Mgb3duIHNlY3JldCE=";

export const AWS_KEY = { id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };

/** A key of Azure's shared access policies. */
export const SAS_KEY = "c2VjcmV0IGtleSBvZiB0aGUgcGVlcjogMzIgYnl0ZXM=";

export const KAFKA = { username: "API-KEY", password: "pass:word of the peer", token: "token-of-the-peer" };

export const SLACK_HOOK = "/services/T0000/B0000/RightSecret";

export const HUBSPOT_TOKEN = "pat-eu1-right";

export const SALESFORCE = { client_id: "3MVG9.key", client_secret: "right secret/&" };

export const BROKER_PASSWORD = "right p@ss/word%";
