import { defined } from "@stackyard/core";
import {
  findFlag,
  findNumber,
  findText,
  isOwn,
  placeOf,
  recordsOf,
  type SimCall,
  textsOf,
  toKey,
} from "../sim-call.ts";
import { cutPage } from "../sim-fault.ts";
import { type AutoScalingState, groupOf, ownGroups } from "./auto-scaling-state.ts";
import { autoScalingFaults as faults, type SimActivity, type SimGroup } from "./sim-group.ts";

/** "DescribeScalingActivities": "activities for the past six weeks", 100 a page, at most 50 ids. */
const KEPT_MS = 42 * 24 * 3_600_000;
const PAGES = { usual: 100, max: 100 };
const MAX_IDS = 50;

interface Row {
  readonly group: SimGroup;
  readonly activity: SimActivity;
  readonly isGone: boolean;
}

/** Implements DescribeScalingActivities: those in progress first, then the newest. Source: API reference. */
export function describeActivities(state: AutoScalingState, call: SimCall): unknown {
  const { input, now } = call;
  const ids = textsOf(input, "ActivityIds");
  if (ids.length > MAX_IDS) throw faults.constraint("activityIds", ids.length, "have length less than or equal to 50");
  if (recordsOf(input, "Filters").length > 0) throw faults.invalid("The simulation has no filters of activities.");
  const found = [...rowsOf(state, call)]
    .filter(({ activity }) => activity.startedAt > now - KEPT_MS)
    .filter(({ activity }) => ids.length === 0 || ids.includes(activity.id))
    .toReversed()
    .toSorted((left, right) => toRank(left) - toRank(right) || right.activity.startedAt - left.activity.startedAt);
  const { rows, next } = toRecordsPage(found, call, PAGES);
  return { Activities: rows.map(({ group, activity, isGone }) => toActivityOutput(group, activity, isGone)), ...next };
}

/** Follows the API reference, "Activity". */
export function toActivityOutput({ name, arn }: SimGroup, activity: SimActivity, isGone = false): unknown {
  const { id, cause, details, description, status, message, startedAt, endedAt } = activity;
  return {
    ActivityId: id,
    AutoScalingGroupName: name,
    AutoScalingGroupARN: arn,
    Description: description,
    Cause: cause,
    StartTime: new Date(startedAt),
    StatusCode: status,
    Details: details,
    ...(endedAt === undefined ? { Progress: 50 } : { EndTime: new Date(endedAt), Progress: 100 }),
    ...defined({ StatusMessage: message }),
    ...(isGone ? { AutoScalingGroupState: "Deleted" } : {}),
  };
}

function* rowsOf(state: AutoScalingState, call: SimCall): Generator<Row> {
  const { input } = call;
  const name = findText(input, "AutoScalingGroupName");
  const withGone = findFlag(input, "IncludeDeletedGroups") === true;
  const gone = state.gone.filter((each) => isOwn(each, call));
  for (const group of withGone ? gone : []) {
    if (name === undefined || group.name === name) yield* toRows(group, true);
  }
  if (name === undefined) {
    for (const group of ownGroups(state, call)) yield* toRows(group, false);
    return;
  }
  const isThere = state.groups.has(toKey({ ...placeOf(call), name }));
  if (isThere || !withGone || !gone.some((each) => each.name === name))
    yield* toRows(groupOf(state, name, call), false);
}

function* toRows(group: SimGroup, isGone: boolean): Generator<Row> {
  for (const activity of group.activities) yield { group, activity, isGone };
}

function toRank({ activity }: Row): number {
  return activity.endedAt === undefined ? 0 : 1;
}

/** The default and the maximum number of rows per page. */
interface RecordLimits {
  readonly usual: number;
  readonly max: number;
}

/** Returns one page by MaxRecords and NextToken, as in every Describe operation of Auto Scaling. */
export function toRecordsPage<Row>(rows: readonly Row[], { input }: SimCall, { usual, max }: RecordLimits) {
  const size = findNumber(input, "MaxRecords") ?? usual;
  if (size < 1) throw faults.constraint("maxRecords", size, "have value greater than or equal to 1");
  if (size > max) throw faults.constraint("maxRecords", size, `have value less than or equal to ${max}`);
  const page = cutPage(rows, { size, token: findText(input, "NextToken") }, faults.token);
  return { rows: page.rows, next: defined({ NextToken: page.next }) };
}
