export { type AwsSim, createAwsSim, type LoggedCall } from "./aws-sim.ts";
export { bindClientMock } from "./bind-client-mock.ts";
export type { AnswerEndpoint, AnswerUpload } from "./custom-resources/answer-endpoint.ts";
export type { ResourceAnswer } from "./custom-resources/judge-answer.ts";
export { type AnswerListener, listenForAnswers } from "./custom-resources/listen-for-answers.ts";
export {
  createResourceLife,
  type LifeStep,
  type ResourceLife,
  type ResourceRequest,
} from "./custom-resources/resource-life.ts";
export { type TaskScript, taskScripts } from "./ecs/task-script.ts";
export {
  type AwsEvent,
  toAwsEvent,
  toInvocationEvent,
  toLaunchEvent,
  toStateEvent,
} from "./event-bridge/aws-events.ts";
export { addFleet, type FleetDefect, type FleetInput, type FleetMember } from "./fleets/add-fleet.ts";
export { answerEcs, answerJson, answerLogs, answerStates } from "./http/answer-json.ts";
export { answerQuery } from "./http/answer-query.ts";
export { answerReleaseServices } from "./http/answer-release-services.ts";
export { answerS3 } from "./http/answer-s3.ts";
export { answerSecrets } from "./http/answer-secrets.ts";
export type { DoorRequest } from "./http/door-request.ts";
export { type FrontDoor, openFrontDoor } from "./http/front-door.ts";
export type { SimCredentials } from "./identities.ts";
export { limitAsDocumented } from "./limit-as-documented.ts";
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
export type { Outcome, OutcomeFacts, Script } from "./ssm/outcome.ts";
export { createSimYard, type SimYard, type SimYardInput } from "./yard/create-sim-yard.ts";
