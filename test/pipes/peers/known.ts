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

export const MATTERMOST_HOOK = "/hooks/xen8y4rm5p8gpfyk1ex6wj3c4c";

export const ROCKETCHAT_HOOK = "/hooks/64f0c1d2e3a4b5c6d7e8f9a0/RightTokenOfRocketChat";

export const DISCORD_HOOK = "/api/webhooks/1152921521234567890/Right-Token_of-Discord";

export const TEAMS_HOOK =
  "/workflows/0123456789abcdef/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=RightSignatureOfTeams";

export const PAGERDUTY_KEY = "R0ut1ngKeyOfThePeer0123456789abc";
