import { findFlag, findText, recordsOf, type SimCall } from "../sim-call.ts";
import { type AutoScalingState, groupOf } from "./auto-scaling-state.ts";
import { autoScalingFaults as faults, type GroupTag, type SimGroup } from "./sim-group.ts";

/** User guide, "Tag Auto Scaling groups and instances", Tag naming and usage restrictions. */
const MAX_TAGS = 50;
const MAX_KEY = 128;
const MAX_VALUE = 256;

/** Merges the tags of a request into the existing ones. */
export function mergeTags(before: readonly GroupTag[], list: readonly SimCall["input"][]): readonly GroupTag[] {
  const tags = new Map(before.map((tag) => [tag.key, tag]));
  for (const each of list) {
    const tag = readTag(each);
    tags.set(tag.key, tag);
  }
  if (tags.size > MAX_TAGS)
    throw faults.limit(`The number of tags for this resource exceeds the limit of ${MAX_TAGS}.`);
  return [...tags.values()];
}

function readTag(input: SimCall["input"]): GroupTag {
  const key = findText(input, "Key") ?? "";
  const value = findText(input, "Value") ?? "";
  if (key.length < 1 || key.length > MAX_KEY) {
    throw faults.constraint("tags.1.member.key", key, `have length between 1 and ${MAX_KEY}`);
  }
  if (value.length > MAX_VALUE) {
    throw faults.constraint("tags.1.member.value", value, `have length less than or equal to ${MAX_VALUE}`);
  }
  if (key.toLowerCase().startsWith("aws:")) throw faults.invalid(`Tag key ${key} is reserved: it starts with aws:.`);
  return { key, value, propagates: findFlag(input, "PropagateAtLaunch") ?? true };
}

/** Implements CreateOrUpdateTags: instances that run already keep theirs. */
export function createOrUpdateTags(state: AutoScalingState, call: SimCall): unknown {
  for (const [group, tags] of byGroup(state, call)) group.tags = mergeTags(group.tags, tags);
  return {};
}

/** Implements DeleteTags: missing tags are ignored. */
export function deleteTags(state: AutoScalingState, call: SimCall): unknown {
  for (const [group, tags] of byGroup(state, call)) {
    const keys = tags.map(({ Key }) => Key);
    group.tags = group.tags.filter(({ key }) => !keys.includes(key));
  }
  return {};
}

/** Follows the API reference, "TagDescription". */
export function toTags({ name, tags }: SimGroup) {
  return tags.map(({ key, value, propagates }) => ({
    ResourceId: name,
    ResourceType: "auto-scaling-group",
    Key: key,
    Value: value,
    PropagateAtLaunch: propagates,
  }));
}

function byGroup(state: AutoScalingState, call: SimCall): ReadonlyMap<SimGroup, SimCall["input"][]> {
  return Map.groupBy(recordsOf(call.input, "Tags"), (tag) => groupOf(state, String(tag["ResourceId"]), call));
}
