// The version that runs, told at /healthz. By name, so that the bundle holds this one word of package.json.

export { version } from "../package.json";
