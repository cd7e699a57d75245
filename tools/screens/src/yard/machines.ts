/** The machines of the yard whose screens are taken, by name. Each task runs the executor `script`, except gates and people. */
export const MACHINES: Readonly<Record<string, string>> = {
  "review-app": `
version: 2
description: An environment for each pull request.
events: { OPENED: {}, PUSHED: {}, SLEPT: {}, WOKEN: {}, MERGED: {} }
metadata:
  sha: { type: string, description: The commit that is rolled out }
  url: { type: string, description: Where the app answers }
  team: { type: string }
  monthly_cost: { type: number }
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD:
    tasks: [network, database]
    timeout: 30m
    on: { NEXT: ROLL-OUT, MERGED: CLEAN-UP }
  ROLL-OUT:
    tasks: [migrate, app, smoke]
    timeout: 45m
    on: { NEXT: LIVE, MERGED: CLEAN-UP }
  LIVE:
    after: [{ in: 72h, event: MERGED }]
    on: { PUSHED: ROLL-OUT, SLEPT: ASLEEP, MERGED: CLEAN-UP }
  ASLEEP: { on: { WOKEN: LIVE, MERGED: CLEAN-UP } }
  CLEAN-UP: { terminal: true, tasks: [app-off] }
tasks:
  network: { executor: script, config: {}, timeout: 20m }
  database: { executor: script, config: {}, timeout: 3h }
  migrate: { executor: script, retry: { attempts: 3, backoff: { from: 1m, to: 2m } }, config: {}, timeout: 20m }
  app: { executor: script, needs: [migrate], config: {}, timeout: 40m }
  smoke: { executor: script, needs: [app], config: {}, timeout: 20m }
  app-off: { executor: script, config: {} }
`,
  service: `
version: 2
description: A service with its staging and its production.
events: { RELEASED: { metadata: [version] }, RETRIED: {}, SLEPT: {}, WOKEN: {} }
metadata: { version: { type: string }, team: { type: string }, url: { type: string }, monthly_cost: { type: number } }
states:
  INIT: { on: { RELEASED: DEPLOY } }
  DEPLOY:
    tasks: [deploy, smoke]
    timeout: 15m
    on: { NEXT: HEALTHY, FAILED: DEGRADED }
  HEALTHY: { on: { RELEASED: DEPLOY, SLEPT: ASLEEP } }
  DEGRADED: { on: { RELEASED: DEPLOY, RETRIED: DEPLOY } }
  ASLEEP: { on: { WOKEN: HEALTHY } }
tasks:
  deploy: { executor: script, config: {}, timeout: 10m }
  smoke: { executor: script, needs: [deploy], config: {}, timeout: 10m }
`,
  shop: `
version: 2
description: The shop itself, as staging or as production.
events: { OPENED: {}, RELEASED: { metadata: [api] } }
metadata: { api: { type: string }, team: { type: string }, monthly_cost: { type: number }, plan: { type: string, readOnly: true } }
states:
  INIT: { on: { OPENED: PREVIEW } }
  PREVIEW: { tasks: [preview], on: { NEXT: LIVE } }
  LIVE: { on: { RELEASED: ROLL-OUT } }
  ROLL-OUT: { tasks: [migrate, app, smoke], timeout: 8h, on: { NEXT: LIVE, FAILED: BROKEN } }
  BROKEN: { on: { RELEASED: ROLL-OUT } }
tasks:
  preview: { executor: script, config: {}, outputs: { plan: plan } }
  migrate: { executor: script, config: {}, timeout: 20m }
  app: { executor: script, needs: [migrate], config: {}, timeout: 6h }
  smoke: { executor: script, needs: [app], config: {}, timeout: 10m }
`,
  tenant: `
version: 2
description: One customer's environment.
events: { OPENED: {}, RELEASED: { metadata: [api] } }
metadata: { api: { type: string }, ring: { type: string }, team: { type: string }, monthly_cost: { type: number } }
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { RELEASED: ROLL-OUT } }
  ROLL-OUT: { tasks: [app, smoke], timeout: 8h, on: { NEXT: LIVE, FAILED: BROKEN } }
  BROKEN: { on: { RELEASED: ROLL-OUT } }
tasks:
  app: { executor: script, config: {}, timeout: 6h }
  smoke: { executor: script, needs: [app], config: {}, timeout: 10m }
`,
  "shop-release": `
version: 2
description: A release of the shop, from staging to all tenants.
events: { RELEASED: { metadata: [api] }, ROLLBACK: {} }
metadata: { api: { type: string, immutable: true }, plan: { type: string, readOnly: true } }
states:
  INIT: { on: { RELEASED: STAGING } }
  STAGING: { tasks: [staging, soak], on: { NEXT: REVIEW } }
  REVIEW: { tasks: [preview, plan, sign-off], on: { NEXT: PRODUCTION } }
  PRODUCTION: { approved: [sign-off], tasks: [newest, production, watch, tenants], on: { NEXT: DONE, ROLLBACK: BACK } }
  DONE: { on: { ROLLBACK: BACK } }
  BACK: { leaving: cancel, tasks: [undo], on: { NEXT: UNDONE } }
  UNDONE: {}
tasks:
  staging:
    executor: deploy
    config: { stacks: shop-staging, event: RELEASED, metadata: { api: "\${metadata.api}" }, until: [LIVE], failed: [BROKEN] }
  soak: { executor: gate, needs: [staging], config: { soak: { of: staging, for: 2m }, alarms: [shop-staging-errors] } }
  preview: { executor: script, config: {} }
  plan: { executor: deploy, needs: [preview], config: { op: plan, of: [production, tenants], show: [plan], each: 1m }, outputs: { plan: digest } }
  sign-off: { executor: approval, needs: [plan], config: { from: [release-managers], count: 2, own: true, of: "\${metadata.plan}" } }
  newest: { executor: gate, config: { turn: { name: shop-prod } } }
  production:
    executor: deploy
    needs: [newest]
    config:
      stacks: shop-prod
      event: RELEASED
      metadata: { api: "\${metadata.api}" }
      plan: "\${metadata.plan}"
      until: [LIVE]
      failed: [BROKEN]
  watch: { executor: gate, needs: [production], config: { soak: { of: production, for: 10m }, alarms: [shop-prod-errors] } }
  tenants:
    executor: deploy
    needs: [watch]
    timeout: 12d
    config:
      stacks: { machine: tenant }
      event: RELEASED
      metadata: { api: "\${metadata.api}" }
      plan: "\${metadata.plan}"
      until: [LIVE]
      failed: [BROKEN]
      window: office
      alarms: [shop-prod-errors]
      concurrency: 4
      each: 6h
      maxFailures: 4
      waves:
        - { name: canary, where: "metadata.ring == 'canary'", pause: 15m }
        - { name: tenth, share: 10%, pause: 25m }
        - { name: rest }
  undo: { executor: deploy, config: { op: undo, of: tenants } }
`,
};

/** When releases may send to tenants. */
export const CALENDARS: Readonly<Record<string, string>> = {
  office: `
version: 1
zone: Europe/Berlin
open:
  - { days: mon-fri, from: "09:00", to: "15:00" }
`,
};
