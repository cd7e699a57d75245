import { chooseKey } from "./choose-key.ts";
import { addTask, describe, removeFromState, setAttempts, setKey } from "./keys.ts";
import type { Planning } from "./locate.ts";
import { addState, declareEvent, move, rename } from "./names.ts";
import { type Change, EditRefused, type Operation, type OperationOf, type Plan } from "./operation.ts";
import { planSteps } from "./plan-steps.ts";
import { addCondition, addReaction, changeTarget, orderReaction } from "./reactions.ts";
import { versionOf } from "./references.ts";
import { remove, removeReaction } from "./removal.ts";
import { setValue } from "./set-value.ts";
import { readSource } from "./source.ts";
import type { Step } from "./step.ts";

const BOM = "\uFEFF";

/**
 * Returns what to change in the text of a machine for an edit. Nothing else changes: comments, anchors, quotes, order and
 * line ends stay as they are. The edited text parses, and means what the old one means with the edit. Pure; never throws.
 */
export function planEdit(text: string, operation: Operation): Plan {
  const shift = text.startsWith(BOM) ? 1 : 0;
  try {
    const changes = planText(text.slice(shift), operation);
    return { changes: changes.map((change) => shiftBy(change, shift)) };
  } catch (error) {
    if (!(error instanceof EditRefused)) throw error;
    const { code, message, place, offers } = error;
    const moved = offers.map((offer) =>
      offer.places === undefined ? offer : { ...offer, places: offer.places.map((each) => shiftBy(each, shift)) },
    );
    return { refusal: { code, message, place: shiftBy(place, shift), offers: moved } };
  }
}

function shiftBy<Part extends { readonly from: number; readonly to: number }>(part: Part, by: number): Part {
  return { ...part, from: part.from + by, to: part.to + by };
}

function planText(text: string, operation: Operation): readonly Change[] {
  const source = readSource(text);
  const planning: Planning = { source, operation, version: versionOf(source), before: [] };
  const steps = toSteps(planning, operation.kind, operation);
  return planSteps(source, [...dropRepeated(planning.before), ...steps]);
}

/** Drops repeated steps: a value is copied once, however often it was looked up. */
function dropRepeated(steps: readonly Step[]): readonly Step[] {
  return [...new Map(steps.map((step) => [JSON.stringify(step), step])).values()];
}

const HANDLERS: {
  readonly [Kind in Operation["kind"]]: (planning: Planning, operation: OperationOf<Kind>) => readonly Step[];
} = {
  "add-state": addState,
  rename,
  "declare-event": (planning, { name }) => declareEvent(planning, name),
  "add-reaction": addReaction,
  "change-target": changeTarget,
  "add-condition": addCondition,
  "order-reaction": orderReaction,
  "add-task": addTask,
  "remove-from-state": removeFromState,
  "set-key": setKey,
  "set-value": setValue,
  "choose-key": chooseKey,
  "set-attempts": setAttempts,
  describe,
  move,
  remove,
  "remove-reaction": removeReaction,
  "convert-to-block": (_, { path }) => [{ kind: "to-block", path }],
};

function toSteps<Kind extends Operation["kind"]>(
  planning: Planning,
  kind: Kind,
  operation: OperationOf<Kind>,
): readonly Step[] {
  return HANDLERS[kind](planning, operation);
}
