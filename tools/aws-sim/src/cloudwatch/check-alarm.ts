import { findNumber, findText, recordsOf, textsOf } from "../sim-call.ts";
import { cloudWatchFaults as faults } from "./cloudwatch-faults.ts";

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
    if (findText(input, field) === undefined) throw faults.missing(field);
    checkLength(field, findText(input, field) ?? "", 1, MAX_NAME);
  }
  const [one, other] = [findText(input, "Statistic"), findText(input, "ExtendedStatistic")];
  if (one !== undefined && other !== undefined) {
    throw faults.badCombination("Statistic and ExtendedStatistic cannot be specified together.");
  }
  if (other === undefined) checkEnum(input, "Statistic", STATISTICS);
  if (findNumber(input, "Threshold") === undefined) throw faults.missing("Threshold");
}

function checkPeriods(input: Input): void {
  const [period, periods] = [findNumber(input, "Period"), findNumber(input, "EvaluationPeriods")];
  if (period === undefined) throw faults.missing("Period");
  if (periods === undefined) throw faults.missing("EvaluationPeriods");
  if (periods < 1) throw faults.constraint("evaluationPeriods", "Member must have value greater than or equal to 1");
  if (period < 1) throw faults.constraint("period", "Member must have value greater than or equal to 1");
  if (![10, 20, 30].includes(period) && period % 60 !== 0) {
    throw faults.badValue("Period must be 10, 20, 30 or a multiple of 60");
  }
  const max = period < HOUR_SECONDS ? DAY_SECONDS : WEEK_SECONDS;
  if (period * periods > max) {
    throw faults.badValue(`Metrics cannot be checked across more than ${max} seconds (EvaluationPeriods * Period).`);
  }
}

function checkEnum(input: Input, field: string, values: readonly string[]): void {
  const value = findText(input, field);
  if (value === undefined) throw faults.missing(field);
  if (!values.includes(value)) {
    throw faults.constraint(field, `Member must satisfy enum value set: [${values.join(", ")}]`);
  }
}

function checkLength(field: string, value: string, min: number, max: number): void {
  if (value.length < min) throw faults.constraint(field, `Member must have length greater than or equal to ${min}`);
  if (value.length > max) throw faults.constraint(field, `Member must have length less than or equal to ${max}`);
}

function checkCount(field: string, count: number, max: number): void {
  if (count > max) throw faults.constraint(field, `Member must have length less than or equal to ${max}`);
}
