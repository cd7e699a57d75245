import { definePlugin } from "@stackyard/core";
import { hooksLs, queueLs, queueRedrive } from "./delivery/hook-commands.ts";
import { findApi, HostsOptions } from "./host-options.ts";
import { hostsDoctor } from "./hosts-doctor.ts";
import { createHostsServices } from "./hosts-service.ts";
import { hooksTest } from "./mapping/hooks-test.ts";
import { checkProject } from "./mapping/load-mappings.ts";
import { setupGitHub } from "./setup/setup-github.ts";
import { provideArchives } from "./source-archives.ts";

export type {
  Hook,
  HookArguments,
  HookPull,
  HookPush,
  HookRepository,
  HookSender,
  ParsedDelivery,
} from "./delivery/hook.ts";
export type { CommandWord } from "./delivery/parse-command.ts";
export {
  hasGitLabToken,
  isSignedByGitHub,
  isSignedByStandard,
  type SignedDelivery,
} from "./delivery/verify-signature.ts";
export { GitHubPull, parseGitHubDelivery } from "./github/parse-delivery.ts";
export { HostOptions, HostsOptions } from "./host-options.ts";
export type { HostPermission } from "./host-permission.ts";
export {
  type AppliedPull,
  applyPull,
  type MappedEvent,
  type MappingFailure,
  type PullHook,
  type PullState,
} from "./mapping/apply-mapping.ts";
export {
  type Applied,
  type EventMetadata,
  type EventTemplate,
  type MappedHook,
  type Mapping,
  MappingDocument,
  type MappingRule,
  type MetadataHook,
  parseMapping,
} from "./mapping/mapping.ts";
export {
  decidePull,
  type PullDecision,
  type PullFacts,
  type PullRecord,
  type PullRule,
  type PullTarget,
} from "./pull/decide-pull.ts";

/** The plugin of code hosts, with the receiver of their webhooks and the commands about hooks and hosts. */
export default definePlugin({
  name: "hosts",
  options: HostsOptions,
  executors: [],
  commands: [hostsDoctor, hooksTest, hooksLs, queueLs, queueRedrive, setupGitHub],
  services: createHostsServices,
  provides: provideArchives,
  check: checkProject,
  addresses: async ({ hosts = {} }) => Object.values(hosts).flatMap((options) => findApi(options) ?? []),
});
