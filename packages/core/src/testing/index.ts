export { toValueDigest } from "../machine/evaluate-deed.ts";
export { createMemoryRecords } from "../memory/memory-records.ts";
export { aMachine, anEvent, aStack, type MachineSketch } from "./builders.ts";
export type { ConformanceCase } from "./conformance-case.ts";
export { type DurableStore, durableStoreConformance } from "./durable-store-conformance.ts";
export { type ExecutorUnderTest, executorConformance } from "./executor-conformance.ts";
export { countingIds, createFakeClock, createRandom, type FakeClock, settlePromises } from "./fake-clock.ts";
export { type LeasesUnderTest, leasesConformance } from "./leases-conformance.ts";
export { listNotices } from "./list-notices.ts";
export { measureLiveHeap } from "./live-heap.ts";
export { type ManyStacksInput, withManyStacks } from "./many-stacks.ts";
export { type LifeMove, playMovedLife } from "./moved-life.ts";
export { type PageCommand, readPageCommands } from "./page-commands.ts";
export { type PassOptions, passUntil } from "./pass-until.ts";
export { recordsConformance } from "./records-conformance.ts";
export { type CommandResult, type RunCommandOptions, runCommand } from "./run-command.ts";
export {
  createExecutorContext,
  createScriptedExecutor,
  type ExecutorRun,
  letTimePass,
  runExecutor,
  type ScriptedExecutor,
  type TestContextInput,
  type TestExecutorContext,
} from "./run-executor.ts";
export { findSecretsIn, playSecretLife, type SecretLife } from "./secret-life.ts";
export { PLANTED_BUGS } from "./simulation/planted-bugs.ts";
export { printTest } from "./simulation/print-test.ts";
export { runPlan, runSeed, type SimulationRun } from "./simulation/run-plan.ts";
export { shrinkRun } from "./simulation/shrink-plan.ts";
export type { SimulationPlan } from "./simulation/simulation-plan.ts";
export { createSimulator, type Simulator, type SimulatorInput } from "./simulator.ts";
export { findSlowStep, type SlowStep } from "./slow-step.ts";
export { type DamageableQueue, damagedQueueConformance } from "./store-conformance/damaged-queue-cases.ts";
export { type DamageableStore, damagedListConformance } from "./store-conformance/sort-cases.ts";
export {
  aChange,
  aDeadLetter,
  aDispatch,
  aHistoryEntry,
  anAuditEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  aStoredStack,
} from "./store-conformance/store-builders.ts";
export { storeConformance } from "./store-conformance.ts";
export { playStoreModel, type StoreMove } from "./store-model.ts";
export type { TransportUnderTest } from "./transport-conformance.ts";
export { transportConformance } from "./transport-conformance.ts";
export {
  type ChangingInput,
  changingWeather,
  commonWeathers,
  type FailingInput,
  failingWeather,
  isCall,
} from "./weather/common-weathers.ts";
export { createFreezableProgram, findProcess, runShared } from "./weather/freezable-process.ts";
export { LIFE_INVARIANTS, type LifeInvariant, type WeatherInvariant } from "./weather/invariants.ts";
export type {
  ActBeside,
  Decision,
  EarlierAnswer,
  Ending,
  Moment,
  OneRun,
  PlantedBug,
  ReportedRun,
  Sky,
  Story,
  Truth,
  Untrue,
  Weather,
  World,
} from "./weather/story.ts";
export { type TaskBench, type TaskEnd, type TaskStoryInput, taskStory } from "./weather/task-story.ts";
export { watchRecordsOf, watchStoreOf } from "./weather/watch-store-of.ts";
export { type WeatherCase, type WeatherEnvironment, weatherCases } from "./weather/weather-cases.ts";
