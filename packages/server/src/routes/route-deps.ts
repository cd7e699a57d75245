import type { Records } from "@stackyard/core";
import type { Bulks, Planner, SensitiveNow } from "@stackyard/core/engine";
import type { ServiceRunner } from "@stackyard/core/services";
import type { Access } from "../access/create-access.ts";
import type { ChangeBell } from "../change-bell.ts";
import type { ByteRoom } from "../http/byte-room.ts";
import type { Cursors } from "../http/cursors.ts";
import type { ServerDeps, ServerSettings } from "../server-options.ts";
import type { StateStore } from "../terraform/state-store.ts";
import type { StackExplainer } from "./stack-explainer.ts";

/** The dependencies of the API's routes. */
export interface RouteDeps extends ServerDeps, Access {
  readonly settings: ServerSettings;
  readonly records: Records;
  readonly planner: Planner;
  readonly explainer: StackExplainer;
  readonly bulks: Bulks;
  readonly states: StateStore;
  /** For the states that are in memory whole. */
  readonly stateRoom: ByteRoom;
  readonly runner: ServiceRunner;
  readonly bell: ChangeBell;
  readonly cursors: Cursors;
  /** Which keys are sensitive now, for what is stored outside of stacks. `store` hides them in what it returns. */
  readonly sensitive: SensitiveNow;
}
