import { type Clock, defined } from "@stackyard/core";
import type { PolicyAlarms } from "../auto-scaling/policy-alarms.ts";
import {
  findNumber,
  findText,
  type NamedResource,
  placeOf,
  type SimCall,
  type SimService,
  textOf,
  textsOf,
} from "../sim-call.ts";
import { cutPage } from "../sim-fault.ts";
import { describeHistory, setAlarmState } from "./alarm-history.ts";
import {
  type Alarms,
  type AlarmValue,
  checkAlarm,
  createAlarms,
  cloudWatchFaults as faults,
  type SimAlarm,
  toMetricAlarm,
} from "./alarms.ts";
import { getMetricData, type MetricValue } from "./metric-data.ts";

/** Alarms, whose state tests set, and metrics, which move no alarm. */
export interface SimCloudWatch {
  readonly service: SimService;
  /** Adds an alarm that exists already. */
  addAlarm(input: AlarmInput): void;
  /** Returns the alarms of one account and region, by name. */
  findAlarms(account: string, region: string): readonly SimAlarm[];
  /** Adds a value that a service has sent. */
  addMetric(value: MetricValue): void;
  /** Alarms as Auto Scaling works with them. */
  readonly policyAlarms: PolicyAlarms;
}

/** An alarm that stands. */
interface AlarmInput extends NamedResource {
  /** Default: OK. */
  readonly state?: AlarmValue;
  readonly actions?: readonly string[];
}

/** Creates CloudWatch without alarms. Source: API reference (2010-08-01). */
export function createCloudWatch({ clock }: { readonly clock: Clock }): SimCloudWatch {
  const alarms = createAlarms();
  const metrics: MetricValue[] = [];
  return {
    service: {
      operations: {
        DeleteAlarms: (call) => deleteAlarms(alarms, call),
        DescribeAlarmHistory: (call) => describeHistory(alarms, call),
        DescribeAlarms: (call) => describeAlarms(alarms, call),
        GetMetricData: (call) => getMetricData(metrics, call),
        PutMetricAlarm: (call) => putMetricAlarm(alarms, call),
        SetAlarmState: (call) => setAlarmState(alarms, call),
      },
      toAction: (operation) => `cloudwatch:${operation}`,
      faults,
    },
    addAlarm: (input) => addAlarm(alarms, input, clock.now()),
    addMetric: (value) => void metrics.push(value),
    findAlarms: (account, region) => alarms.list({ account, region }),
    policyAlarms: {
      alarmsOf: ({ actionArn, ...place }) =>
        alarms.list(place).filter(({ request }) => textsOf(request, "AlarmActions").includes(actionArn)),
      putTrackingAlarm: ({ actionArn, ...alarm }) => addAlarm(alarms, { ...alarm, actions: [actionArn] }, clock.now()),
      deleteTrackingAlarm: (alarm) => void alarms.remove(alarm),
    },
  };
}

function addAlarm(alarms: Alarms, input: AlarmInput, at: number): void {
  const { account, region, name, state: value = "OK", actions = [] } = input;
  const request = {
    AlarmName: name,
    AlarmActions: actions,
    Namespace: "AWS/EC2",
    MetricName: "CPUUtilization",
    Statistic: "Average",
    Period: 60,
    EvaluationPeriods: 3,
    Threshold: 50,
    ComparisonOperator: "GreaterThanThreshold",
  };
  const state = { value, reason: "Threshold Crossed", at };
  alarms.put({ account, region, name, request, configuredAt: at, state });
}

/** "DescribeAlarms", MaxRecords: 1 to 100; a page has 50 where it is left out. */
const MAX_PAGE = 100;
const PAGE = 50;

/**
 * Implements DescribeAlarms: metric alarms by names, by a prefix, by state or action. A name that there is not is left
 * out.
 */
function describeAlarms(alarms: Alarms, call: SimCall): unknown {
  const { input } = call;
  const names = namesOf(call);
  const prefix = findText(input, "AlarmNamePrefix");
  if (names.length > 0 && prefix !== undefined) {
    throw faults.badCombination("AlarmNamePrefix and AlarmNames are mutually exclusive.");
  }
  const found = alarms.list(placeOf(call)).filter((alarm) => isAsked(alarm, { names, prefix, input }));
  const size = findNumber(input, "MaxRecords") ?? PAGE;
  if (size < 1 || size > MAX_PAGE)
    throw faults.constraint("maxRecords", `Member must have value between 1 and ${MAX_PAGE}`);
  const { rows, next } = cutPage(found, { size, token: findText(input, "NextToken") }, faults.badToken);
  return { MetricAlarms: rows.map(toMetricAlarm), CompositeAlarms: [], ...defined({ NextToken: next }) };
}

interface Asked {
  readonly names: readonly string[];
  readonly prefix: string | undefined;
  readonly input: SimCall["input"];
}

function isAsked({ name, state, request }: SimAlarm, { names, prefix, input }: Asked): boolean {
  const types = textsOf(input, "AlarmTypes");
  if (types.length > 0 && !types.includes("MetricAlarm")) return false;
  if (names.length > 0 && !names.includes(name)) return false;
  if (!name.startsWith(prefix ?? "")) return false;
  const value = findText(input, "StateValue");
  if (value !== undefined && value !== state.value) return false;
  const action = findText(input, "ActionPrefix");
  return action === undefined || textsOf(request, "AlarmActions").some((arn) => arn.startsWith(action));
}

/** "DeleteAlarms" and "DescribeAlarms", AlarmNames: at most 100 items. */
const MAX_NAMES = 100;
/** "PutMetricAlarm": "the alarm state is immediately set to INSUFFICIENT_DATA". */
const FIRST = { value: "INSUFFICIENT_DATA", reason: "Unchecked: Initial alarm creation" } as const;

/** Implements PutMetricAlarm: overwrites the whole configuration of an alarm that is there. */
function putMetricAlarm(alarms: Alarms, call: SimCall): unknown {
  const { input, now } = call;
  checkAlarm(input);
  alarms.put({
    ...placeOf(call),
    name: textOf(input, "AlarmName"),
    request: input,
    configuredAt: now,
    state: { ...FIRST, at: now },
  });
  return {};
}

/** Implements DeleteAlarms: "the alarms you specify with correct names are still deleted" when others are not there. */
function deleteAlarms(alarms: Alarms, call: SimCall): unknown {
  const names = namesOf(call);
  if (names.length === 0) throw faults.constraint("alarmNames", "Member must have length greater than or equal to 1");
  const missing = names.filter((name) => !alarms.remove({ ...placeOf(call), name }));
  if (missing.length > 0) throw faults.notFound(missing.join(", "));
  return {};
}

/** Returns the names in a request. */
function namesOf({ input }: SimCall): readonly string[] {
  const names = textsOf(input, "AlarmNames");
  if (names.length > MAX_NAMES) {
    throw faults.constraint("alarmNames", `Member must have length less than or equal to ${MAX_NAMES}`);
  }
  return names;
}
