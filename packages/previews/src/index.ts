import { definePlugin } from "@stackyard/core";
import { PreviewsOptions } from "./definition.ts";
import { createLeakCheckExecutor } from "./leak-check.ts";
import { createQuotaExecutor } from "./quota.ts";
import { createQuotaService } from "./quota-service.ts";
import { createWakeServices } from "./wake-service.ts";

export {
  LeakCheckConfig,
  LeakCheckOutputs,
  LeakCheckProgress,
  leakCheckDefinition,
  PreviewsOptions,
  QuotaConfig,
  QuotaProgress,
  quotaDefinition,
} from "./definition.ts";
export { createLeakCheckExecutor } from "./leak-check.ts";
export { createQuotaExecutor } from "./quota.ts";
export { createQuotaService } from "./quota-service.ts";
export { toWakeLink } from "./wake-link.ts";

/** The plugin of previews: quotas, and the service that returns what removed stacks hold. */
export default definePlugin({
  name: "previews",
  options: PreviewsOptions,
  executors: (options, context) => [createQuotaExecutor(options), createLeakCheckExecutor(context)],
  services: (options) => [createQuotaService(options), ...createWakeServices(options)],
});
