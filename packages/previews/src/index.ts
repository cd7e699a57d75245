import { definePlugin } from "@stackyard/core";
import { createCostServices } from "./cost-service.ts";
import { PreviewsOptions } from "./definition.ts";
import { createIdleExecutor } from "./idle.ts";
import { createIdleService } from "./idle-service.ts";
import { createLeakCheckExecutor } from "./leak-check.ts";
import { createOrphanService } from "./orphan-service.ts";
import { createPricesRefresh } from "./prices/prices-refresh.ts";
import { createQuotaExecutor } from "./quota.ts";
import { createQuotaService } from "./quota-service.ts";
import { createWakeServices } from "./wake-service.ts";

export { createCostServices } from "./cost-service.ts";
export {
  IdleConfig,
  IdleProgress,
  idleDefinition,
  LeakCheckConfig,
  LeakCheckOutputs,
  LeakCheckProgress,
  leakCheckDefinition,
  PreviewsOptions,
  QuotaConfig,
  QuotaProgress,
  quotaDefinition,
} from "./definition.ts";
export { createIdleExecutor } from "./idle.ts";
export { createIdleService } from "./idle-service.ts";
export { createLeakCheckExecutor } from "./leak-check.ts";
export { createOrphanService } from "./orphan-service.ts";
export { createQuotaExecutor } from "./quota.ts";
export { createQuotaService } from "./quota-service.ts";
export { toWakeLink } from "./wake-link.ts";

/** The plugin of previews: quotas, idle previews, leak checks, wake links, and the services that they need. */
export default definePlugin({
  name: "previews",
  options: PreviewsOptions,
  executors: (options, context) => [
    createQuotaExecutor(options),
    createIdleExecutor(),
    createLeakCheckExecutor(context),
  ],
  commands: [createPricesRefresh()],
  services: (options, context) => [
    createQuotaService(options),
    createIdleService(),
    createOrphanService(options, context),
    ...createCostServices(options, context),
    ...createWakeServices(options, context),
  ],
});
