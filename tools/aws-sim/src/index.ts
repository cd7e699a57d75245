export { type AwsSim, createAwsSim, type LoggedCall } from "./aws-sim.ts";
export { bindClientMock } from "./bind-client-mock.ts";
export { answerSecrets } from "./http/answer-secrets.ts";
export type { DoorRequest } from "./http/door-request.ts";
export { type FrontDoor, openFrontDoor } from "./http/front-door.ts";
export type { SimCredentials } from "./identities.ts";
export { connectionReset, SimFault } from "./sim-fault.ts";
export { createSimPlugin, type SimPlugin } from "./sim-plugin.ts";
export {
  createQueueEdges,
  INVALID_RECEIPT,
  NOT_TAKEN,
  overLimit,
  type QueueEdge,
  type QueueEdges,
  requestThrottled,
} from "./sqs/queue-edges.ts";
