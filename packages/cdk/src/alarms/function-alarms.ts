import { Construct } from "constructs";
import { type AlarmMetric, type AlarmRule, type AlarmTopics, createAlarm } from "./alarm-rule.ts";

/** The functions to monitor. */
export interface FunctionAlarmsProps {
  readonly topicArns?: AlarmTopics;
  /** By the names of their alarms. */
  readonly functions: Readonly<Record<string, { readonly name: string }>>;
}

const FIVE_MINUTES = 300;

/** Alarms on functions that are throttled or fail repeatedly. */
export class FunctionAlarms extends Construct {
  constructor(scope: Construct, id: string, { topicArns, functions }: FunctionAlarmsProps) {
    super(scope, id);
    for (const [name, watched] of Object.entries(functions)) {
      createAlarm(this, `${name}Throttled`, toThrottleRule(watched.name), topicArns);
      createAlarm(this, `${name}Fails`, toErrorRule(watched.name), topicArns);
    }
  }
}

function toThrottleRule(functionName: string): AlarmRule {
  return {
    description: `${functionName} is throttled: the account's or its own concurrency does not suffice.`,
    metric: toLambdaMetric("Throttles", functionName),
    limit: { above: 0 },
    periodSeconds: FIVE_MINUTES,
    periods: 2,
  };
}

function toErrorRule(functionName: string): AlarmRule {
  return {
    description: `${functionName} fails again and again: its log says why.`,
    metric: toLambdaMetric("Errors", functionName),
    limit: { above: 2 },
    periodSeconds: FIVE_MINUTES,
    periods: 1,
  };
}

function toLambdaMetric(metricName: string, functionName: string): AlarmMetric {
  return { namespace: "AWS/Lambda", metricName, dimensions: { FunctionName: functionName }, statistic: "Sum" };
}
