import type { TObject } from "typebox";
import { renderUserData } from "../../user-data/render-user-data.ts";
import { findUserDataFault } from "../../user-data/user-data-size.ts";
import type { RawRelease } from "../raw-release.ts";
import { type Fault, pointTo, quote } from "../release-problem.ts";
import { checkBounds } from "./check-bounds.ts";
import { checkHooks } from "./check-hooks.ts";
import { checkOrder } from "./check-order.ts";
import { checkBase, checkOwn, checkSubnets, type RuleContext } from "./check-release.ts";
import { checkRequests, checkService, type ServicePlace } from "./check-service.ts";
import { checkStorage } from "./check-storage.ts";

/**
 * Every broken rule, in the predecessor's order: what all releases have, the release, its services by name, with the release's
 * hooks after the first one; then subnets, the order of services, and the limits of the schema where no rule has spoken.
 */
export function checkDocument(schema: TObject, raw: RawRelease, context: RuleContext): readonly Fault[] {
  const spoken = [...checkBase(raw, context), ...prefixed(toPrefix(raw), checkRelease(raw, context))];
  const places = new Set(spoken.map(({ pointer }) => pointer));
  const bounds = Array.from(checkBounds(schema, raw, "")).filter(({ pointer }) => !places.has(pointer));
  return [...spoken, ...bounds.flatMap((fault) => [...prefixed(toPlacePrefix(raw, fault), [fault])])];
}

function* checkRelease(raw: RawRelease, context: RuleContext): Generator<Fault> {
  yield* checkOwn(raw, context);
  yield* checkServices(raw, context);
  yield* checkSubnets(raw);
  yield* checkOrder(raw);
}

function* checkServices(raw: RawRelease, context: RuleContext): Generator<Fault> {
  const pointer = "/services";
  if (raw.services === undefined) {
    yield { code: "release-services-missing", pointer, message: "Services must be defined." };
  }
  const services = Object.entries(raw.services ?? {});
  if (raw.services !== undefined && services.length === 0) {
    yield { code: "release-services-empty", pointer, message: "Services are empty; a release has at least one." };
  }
  const [first, ...others] = services;
  if (first) yield* checkOne(raw, first, context, checkHooks(raw.lifecycle, "/lifecycle"));
  else yield* checkHooks(raw.lifecycle, "/lifecycle");
  for (const service of others) yield* checkOne(raw, service, context, []);
}

type Entry = readonly [string, NonNullable<RawRelease["services"]>[string]];

function* checkOne(
  release: RawRelease,
  [name, service]: Entry,
  context: RuleContext,
  hooks: Iterable<Fault>,
): Generator<Fault> {
  const pointer = pointTo("/services", name);
  if (service === null) {
    yield { code: "release-service-null", pointer, message: `Service ${quote(name)} is null.` };
    yield* hooks;
    return;
  }
  const place: ServicePlace = { release, name, service, pointer };
  const prefix = toServicePrefix(name);
  yield* prefixed(prefix, checkService(place, context));
  yield* hooks;
  yield* prefixed(prefix, checkRequests(place));
  yield* prefixed(prefix, checkStorage(service, pointer));
  yield* prefixed(prefix, checkHooks(service.lifecycle, pointTo(pointer, "lifecycle")));
  yield* prefixed(prefix, checkUserData(place));
}

// Only documents that bring their user data along: of the others it is known when it is loaded.
function* checkUserData({ release, name }: ServicePlace): Generator<Fault> {
  const { user_data: template, release_id = "", project_name = "", config_name = "" } = release;
  if (template === undefined) return;
  const facts = { release_id, project_name, config_name, service_name: name };
  const message = findUserDataFault(renderUserData(template, facts, "step-asg-deployer"));
  if (message !== undefined) yield { code: "release-user-data-too-large", pointer: "/user_data", message };
}

function* prefixed(prefix: string, faults: Iterable<Fault>): Generator<Fault> {
  for (const fault of faults) yield { ...fault, message: `${prefix} ${fault.message}` };
}

function toPrefix({ release_id }: RawRelease): string {
  return release_id === undefined ? "Release Error:" : `Release(${release_id}) Error:`;
}

function toServicePrefix(name: string): string {
  return `Service(${name}) Error:`;
}

function toPlacePrefix(raw: RawRelease, { pointer }: Fault): string {
  const names = Object.keys(raw.services ?? {});
  const service = names.find((name) => `${pointer}/`.startsWith(`${pointTo("/services", name)}/`));
  return service === undefined ? toPrefix(raw) : `${toPrefix(raw)} ${toServicePrefix(service)}`;
}
