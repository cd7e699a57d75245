export { addFleet, type FleetDefect, type FleetInput, type FleetMember } from "./add-fleet.ts";
export { type AwsSim, createAwsSim, type LoggedCall } from "./aws-sim.ts";
export { createStackMemory, type StackMemory } from "./cloudformation/stack-memory.ts";
export { createSimYard, openSimClients, type SimYard, type SimYardInput, withContext } from "./create-sim-yard.ts";
export {
  type AnswerEndpoint,
  type AnswerUpload,
  createResourceLife,
  type LifeStep,
  listenForAnswers,
  type ResourceAnswer,
  type ResourceLife,
  type ResourceRequest,
} from "./custom-resources.ts";
export { type TaskScript, taskScripts } from "./ecs/task-course.ts";
export { type AwsEvent, toStateEvent } from "./event-bridge.ts";
export { answerReleaseServices } from "./http/answer-release-services.ts";
export {
  answerEcs,
  answerJson,
  answerLambda,
  answerLogs,
  answerQuery,
  answerSecrets,
  answerStates,
  type DoorRequest,
  type FrontDoor,
  openFrontDoor,
} from "./http/front-door.ts";
export type { Listener as AnswerListener } from "./http/listen.ts";
export { answerS3 } from "./http/s3-door.ts";
export type { SimCredentials } from "./identities.ts";
export { limitAsDocumented } from "./limit-as-documented.ts";
export {
  createQueueEdges,
  INVALID_RECEIPT,
  NOT_TAKEN,
  overLimit,
  type QueueEdge,
  type QueueEdges,
  requestThrottled,
} from "./queue-edges.ts";
export { connectionReset, SimFault } from "./sim-fault.ts";
export { createSimPlugin, type SimPlugin } from "./sim-plugin.ts";
export type { Outcome, OutcomeFacts, Script } from "./ssm/sim-command.ts";
export { type FakeKms, startKms } from "./start-kms.ts";
export { awsWeathers, watchSim } from "./weather/aws-weathers.ts";
