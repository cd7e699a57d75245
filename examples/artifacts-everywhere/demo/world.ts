import { setTimeout } from "node:timers/promises";
import type { AwsEvent, AwsSim } from "@stackyard/aws-sim";
import { type CoveredYard, createCoveredYard } from "../src/testing/covered-yard.ts";
import { type Clients, closeClients, createClients } from "./clients.ts";
import { type ConsumerSide, type ConsumerSideInput, installConsumer } from "./consumer-side.ts";
import { createDistributorSide, type DistributorSide } from "./distributor-side.ts";
import { installOldConsumer, type OldConsumer } from "./old-consumer.ts";
import { CONSUMERS, type ConsumerPlan, DISTRIBUTOR, type OldPlan, type Place, SOURCE_BUCKET } from "./places.ts";
import { openWire, type Wire } from "./wire.ts";

/** Distributor, consumers and a yard on this machine; time only passes when the demo advances it. */
export interface World {
  readonly sim: AwsSim;
  readonly wire: Wire;
  readonly yard: CoveredYard;
  readonly clients: Clients;
  readonly distributor: DistributorSide;
  /** In the order of their installation. */
  readonly consumers: readonly ConsumerSide[];
  /** Consumers of the first version. */
  readonly old: readonly OldConsumer[];
  /** Versions that all consumers have stored, in the order in which this was reported. */
  readonly covered: readonly AwsEvent[];
  clientsOf(place: Place): Clients;
  /** Adds an account. */
  install(plan: ConsumerPlan): Promise<ConsumerSide>;
  /** Installs an account with a consumer of the first version. */
  installOld(plan: OldPlan): Promise<OldConsumer>;
  /** Lets all pending work run. */
  settle(): Promise<void>;
  /** Lets time pass until the condition holds, up to the limit. Returns whether it holds. */
  passUntil(holds: () => Promise<boolean>, mostMs: number): Promise<boolean>;
  /** The errors that functions of the distributor threw. */
  readonly errors: readonly unknown[];
  close(): Promise<void>;
}

/** Of virtual time. */
const STEP_MS = 10_000;
const SWEEP_MS = 300_000;
/**
 * How long work may take before virtual time passes without it, in turns of a short timer and not in real time: on a busy machine both
 * the turns and the work are late, and time must not overtake what only lacks a processor.
 */
const PATIENCE_TURNS = 40;
const TURN_MS = 10;
const CALM_TURNS = 2;

/** Creates it, with three consumers. */
export async function createWorld(): Promise<World> {
  const yard = createCoveredYard(DISTRIBUTOR);
  const { sim, clock } = yard;
  const wire = await openWire(sim, SOURCE_BUCKET);
  const opened: Clients[] = [];
  const clientsOf = (place: Place): Clients => {
    const made = createClients(sim, wire.url, place);
    opened.push(made);
    return made;
  };
  const clients = clientsOf(DISTRIBUTOR);
  const covered: AwsEvent[] = [];
  const onCovered = async (event: AwsEvent): Promise<void> => {
    covered.push(event);
    await yard.onCovered(event);
  };
  const distributor = await createDistributorSide({ sim, clock, clients, onCovered, waitFor: yard.waitFor });
  const toInput = (place: Place): ConsumerSideInput => {
    return { sim, clock, distributor, wire, clients: clientsOf(place) };
  };
  const consumers: ConsumerSide[] = [];
  const errors: unknown[] = [];
  const install = async (plan: ConsumerPlan): Promise<ConsumerSide> => {
    const side = await installConsumer(plan, toInput(plan));
    consumers.push(side);
    return side;
  };
  for (const plan of Object.values(CONSUMERS)) await install(plan);
  const old: OldConsumer[] = [];
  const installOld = async (plan: OldPlan): Promise<OldConsumer> => {
    const side = await installOldConsumer(plan, toInput(plan));
    old.push(side);
    return side;
  };
  const pass = createTime({ yard, sim, distributor, consumers, old, errors });
  return {
    sim,
    wire,
    yard,
    clients,
    distributor,
    consumers,
    old,
    covered,
    clientsOf,
    install,
    installOld,
    errors,
    ...pass,
    async close() {
      for (const each of [...consumers, ...old]) each.stop();
      for (const each of opened) closeClients(each);
      await wire.stop();
    },
  };
}

type TimeInput = Pick<World, "yard" | "sim" | "distributor" | "consumers" | "old"> & { readonly errors: unknown[] };

function createTime(input: TimeInput): Pick<World, "settle" | "passUntil"> {
  const { yard, sim, distributor, consumers, old, errors } = input;
  let sweptAt = yard.clock.now();
  let delivery: Promise<void> | undefined;

  /** Returns whether all work is done, after a grace period. Work that waits for time continues when time has passed. */
  async function isCalm(): Promise<boolean> {
    const idle = Promise.all([delivery, ...[...consumers, ...old].map((each) => each.idle())]);
    return Promise.race([idle.then(() => distributor.working === 0), passTurns(PATIENCE_TURNS).then(() => false)]);
  }

  function deliver(): void {
    delivery ??= sim.eventBridge.deliver().then((thrown) => {
      errors.push(...thrown);
      delivery = undefined;
    });
  }

  async function settle(): Promise<void> {
    for (let calm = 0; calm < CALM_TURNS; ) {
      await yard.settle();
      const hasEvents = sim.eventBridge.waiting.length > 0;
      if (hasEvents) deliver();
      if (!(await isCalm())) return;
      calm = hasEvents ? 0 : calm + 1;
    }
  }

  async function sweep(): Promise<void> {
    sweptAt = yard.clock.now();
    await distributor.sweep().catch((error: unknown) => void errors.push(error));
  }

  return {
    settle,
    async passUntil(holds, mostMs) {
      await settle();
      for (let passed = 0; passed < mostMs; passed += STEP_MS) {
        if (await holds()) return true;
        await yard.advance(STEP_MS);
        if (yard.clock.now() - sweptAt >= SWEEP_MS) void sweep();
        await settle();
      }
      return holds();
    },
  };
}

async function passTurns(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await setTimeout(TURN_MS);
}
