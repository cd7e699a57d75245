import { queryFaults } from "../service-faults.ts";
import {
  findNumber,
  findText,
  type NamedResource,
  type Place,
  recordsOf,
  type ServiceFaults,
  textsOf,
  toKey,
} from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";

/** All alarms of all accounts. */
export interface Alarms {
  /** Adds an alarm with the state; an existing one keeps its own ("PutMetricAlarm": "its state is left unchanged"). */
  put(alarm: Omit<SimAlarm, "arn">): void;
  remove(alarm: NamedResource): boolean;
  /** Changes the state of an alarm. Returns false for an unknown name. */
  setState(alarm: NamedResource, state: AlarmState): boolean;
  /** Returns the changes of state of an account and region, oldest first. Those of removed alarms remain. */
  listChanges(place: Place): readonly AlarmChange[];
  /** Returns the alarms of one account and region, by name. */
  list(place: Place): readonly SimAlarm[];
}

/** Creates an empty state. */
export function createAlarms(): Alarms {
  const alarms = new Map<string, SimAlarm>();
  const changes: AlarmChange[] = [];
  return {
    put(alarm) {
      const state = alarms.get(toKey(alarm))?.state ?? alarm.state;
      alarms.set(toKey(alarm), { ...alarm, state, arn: toAlarmArn(alarm) });
    },
    remove: (alarm) => alarms.delete(toKey(alarm)),
    setState({ account, region, name }, state) {
      const found = alarms.get(toKey({ account, region, name }));
      if (found === undefined) return false;
      // "SetAlarmState": only a change is in the history.
      if (found.state.value !== state.value) changes.push({ account, region, name, from: found.state, to: state });
      alarms.set(toKey(found), { ...found, state });
      return true;
    },
    listChanges: ({ account, region }) => changes.filter((each) => each.account === account && each.region === region),
    list: ({ account, region }) =>
      [...alarms.values()]
        .filter((each) => each.account === account && each.region === region)
        .toSorted((left, right) => (left.name < right.name ? -1 : 1)),
  };
}

/** The stored state of an alarm. */
export interface SimAlarm extends NamedResource {
  readonly arn: string;
  /** What PutMetricAlarm was asked last. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly configuredAt: number;
  readonly state: AlarmState;
}

/** A change of an alarm's state. */
export interface AlarmChange extends NamedResource {
  readonly from: AlarmState;
  readonly to: AlarmState;
}

/** How it stands and since when. */
export interface AlarmState {
  readonly value: AlarmValue;
  readonly reason: string;
  readonly at: number;
}

/** API reference, "MetricAlarm", StateValue. */
export type AlarmValue = "OK" | "ALARM" | "INSUFFICIENT_DATA";

/** Returns the ARN of an alarm (Service authorization reference, "Amazon CloudWatch"). */
function toAlarmArn({ account, region, name }: NamedResource): string {
  return `arn:aws:cloudwatch:${region}:${account}:alarm:${name}`;
}

/** Returns an alarm as in DescribeAlarms: the request, and its state. */
export function toMetricAlarm({ arn, request, configuredAt, state }: SimAlarm): object {
  const { Tags: _tags, ...configuration } = request;
  return {
    ActionsEnabled: true,
    OKActions: [],
    AlarmActions: [],
    InsufficientDataActions: [],
    Dimensions: [],
    ...configuration,
    AlarmArn: arn,
    AlarmConfigurationUpdatedTimestamp: new Date(configuredAt),
    StateValue: state.value,
    StateReason: state.reason,
    StateUpdatedTimestamp: new Date(state.at),
    StateTransitionedTimestamp: new Date(state.at),
  };
}

/** Errors of CloudWatch with their statuses. Source: API reference, "PutMetricAlarm", "DescribeAlarms", "DeleteAlarms", errors. */
export const cloudWatchFaults = {
  ...queryFaults,
  badValue: (message: string) => new SimFault("InvalidParameterValueException", 400, message),
  badCombination: (message: string) => new SimFault("InvalidParameterCombinationException", 400, message),
  missing: (field: string) =>
    new SimFault("MissingRequiredParameterException", 400, `The parameter ${field} is required.`),
  constraint: (field: string, constraint: string) =>
    new SimFault(
      "ValidationException",
      400,
      `1 validation error detected: Value at '${field}' failed to satisfy constraint: ${constraint}`,
    ),
  badToken: () => new SimFault("InvalidNextToken", 400, "The next token specified is invalid."),
  notFound: (names: string) => new SimFault("ResourceNotFound", 404, `Unknown alarm: ${names}`),
} satisfies ServiceFaults & Record<string, (...texts: [string, string]) => SimFault>;

type Input = Readonly<Record<string, unknown>>;

/** API reference, "PutMetricAlarm": lengths and numbers of items. */
const MAX_NAME = 255;
const MAX_DESCRIPTION = 1_024;
const MAX_ACTIONS = 5;
const MAX_DIMENSIONS = 30;
const MAX_TAGS = 50;
/** The same page, Period: the total evaluation period is at most seven days, and one day where a period is below an hour. */
const WEEK_SECONDS = 604_800;
const DAY_SECONDS = 86_400;
const HOUR_SECONDS = 3_600;

const OPERATORS = [
  ...["GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"],
  ...["LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"],
];
const STATISTICS = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"];

/** Throws what PutMetricAlarm answers to a request for an alarm on one metric that breaks a rule. */
export function checkAlarm(input: Input): void {
  checkLength("alarmName", findText(input, "AlarmName") ?? "", 1, MAX_NAME);
  checkLength("alarmDescription", findText(input, "AlarmDescription") ?? "", 0, MAX_DESCRIPTION);
  for (const field of ["AlarmActions", "OKActions", "InsufficientDataActions"]) {
    checkCount(field, textsOf(input, field).length, MAX_ACTIONS);
    for (const arn of textsOf(input, field)) checkLength(field, arn, 1, MAX_DESCRIPTION);
  }
  checkCount("dimensions", recordsOf(input, "Dimensions").length, MAX_DIMENSIONS);
  checkCount("tags", recordsOf(input, "Tags").length, MAX_TAGS);
  checkEnum(input, "ComparisonOperator", OPERATORS);
  checkMetric(input);
  checkPeriods(input);
}

function checkMetric(input: Input): void {
  for (const field of ["MetricName", "Namespace"]) {
    if (findText(input, field) === undefined) throw cloudWatchFaults.missing(field);
    checkLength(field, findText(input, field) ?? "", 1, MAX_NAME);
  }
  const [one, other] = [findText(input, "Statistic"), findText(input, "ExtendedStatistic")];
  if (one !== undefined && other !== undefined) {
    throw cloudWatchFaults.badCombination("Statistic and ExtendedStatistic cannot be specified together.");
  }
  if (other === undefined) checkEnum(input, "Statistic", STATISTICS);
  if (findNumber(input, "Threshold") === undefined) throw cloudWatchFaults.missing("Threshold");
}

function checkPeriods(input: Input): void {
  const [period, periods] = [findNumber(input, "Period"), findNumber(input, "EvaluationPeriods")];
  if (period === undefined) throw cloudWatchFaults.missing("Period");
  if (periods === undefined) throw cloudWatchFaults.missing("EvaluationPeriods");
  if (periods < 1)
    throw cloudWatchFaults.constraint("evaluationPeriods", "Member must have value greater than or equal to 1");
  if (period < 1) throw cloudWatchFaults.constraint("period", "Member must have value greater than or equal to 1");
  if (![10, 20, 30].includes(period) && period % 60 !== 0) {
    throw cloudWatchFaults.badValue("Period must be 10, 20, 30 or a multiple of 60");
  }
  const max = period < HOUR_SECONDS ? DAY_SECONDS : WEEK_SECONDS;
  if (period * periods > max) {
    throw cloudWatchFaults.badValue(
      `Metrics cannot be checked across more than ${max} seconds (EvaluationPeriods * Period).`,
    );
  }
}

function checkEnum(input: Input, field: string, values: readonly string[]): void {
  const value = findText(input, field);
  if (value === undefined) throw cloudWatchFaults.missing(field);
  if (!values.includes(value)) {
    throw cloudWatchFaults.constraint(field, `Member must satisfy enum value set: [${values.join(", ")}]`);
  }
}

function checkLength(field: string, value: string, min: number, max: number): void {
  if (value.length < min)
    throw cloudWatchFaults.constraint(field, `Member must have length greater than or equal to ${min}`);
  if (value.length > max)
    throw cloudWatchFaults.constraint(field, `Member must have length less than or equal to ${max}`);
}

function checkCount(field: string, count: number, max: number): void {
  if (count > max) throw cloudWatchFaults.constraint(field, `Member must have length less than or equal to ${max}`);
}
