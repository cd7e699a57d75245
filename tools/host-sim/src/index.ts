export { type PullInput, toUserId } from "./bodies.ts";
export { CHAT_CERTIFICATE } from "./chat-certificate.ts";
export { type ChatFault, type ChatRequest, type ChatSim, type SlackSimMessage, startChatSim } from "./chat-sim.ts";
export type { DeliveryFault, Receiver, SentDelivery } from "./deliveries.ts";
export type {
  GitLabReports,
  SimEnvironment,
  SimGitLabDeployment,
  SimNote,
  SimStatus,
} from "./gitlab-report-routes.ts";
export {
  GITLAB_TOKEN,
  type GitLabFault,
  type GitLabSim,
  type GitLabSimInput,
  type MergeInput,
  startGitLabSim,
} from "./gitlab-sim.ts";
export { APP_ID, APP_KEY, type HostSim, type HostSimInput, startHostSim, USER_TOKEN } from "./host-sim.ts";
export { loadRecordedDeliveries } from "./recorded-deliveries.ts";
export type { Reports, SimCheck, SimComment, SimDeployment } from "./reports.ts";
export type { RequestFault } from "./settings.ts";
export { type TarEntry, toTarball } from "./tarball.ts";
