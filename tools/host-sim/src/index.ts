export { toUserId } from "./bodies.ts";
export { CHAT_CERTIFICATE } from "./chat-certificate.ts";
export { type ChatFault, type ChatSim, startChatSim } from "./chat-sim.ts";
export type { DeliveryFault, SentDelivery } from "./deliveries.ts";
export { GITLAB_TOKEN, type GitLabSim, startGitLabSim } from "./gitlab-sim.ts";
export { APP_ID, APP_KEY, type HostSim, startHostSim, USER_TOKEN } from "./host-sim.ts";
export { loadRecordedDeliveries } from "./recorded-deliveries.ts";
export type { SimCheck } from "./reports.ts";
export { type TarEntry, toTarball } from "./tarball.ts";
