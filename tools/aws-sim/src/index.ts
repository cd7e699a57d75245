export { type AwsSim, createAwsSim, type LoggedCall } from "./aws-sim.ts";
export { bindClientMock } from "./bind-client-mock.ts";
export type { SimCredentials } from "./identities.ts";
export { connectionReset, SimFault } from "./sim-fault.ts";
export { createSimPlugin, type SimPlugin } from "./sim-plugin.ts";
