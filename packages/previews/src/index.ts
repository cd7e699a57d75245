import { definePlugin } from "@stackyard/core";
import { PreviewsOptions } from "./definition.ts";
import { createQuotaExecutor } from "./quota.ts";
import { createQuotaService } from "./quota-service.ts";

export { PreviewsOptions, QuotaConfig, QuotaProgress, quotaDefinition } from "./definition.ts";
export { createQuotaExecutor } from "./quota.ts";
export { createQuotaService } from "./quota-service.ts";

/** The plugin of previews: quotas, and the service that returns what removed stacks hold. */
export default definePlugin({
  name: "previews",
  options: PreviewsOptions,
  executors: (options) => [createQuotaExecutor(options)],
  services: (options) => [createQuotaService(options)],
});
