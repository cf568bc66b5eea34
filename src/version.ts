// The running version, which /healthz reports. A named import, so that the bundle contains this one value of
// package.json and not the whole file.

export { version } from "../package.json";
