import type { Clock } from "@stackyard/core";
import type { AlarmPlace, PolicyAlarms } from "../auto-scaling/policy-alarms.ts";
import { textsOf } from "../input-lists.ts";
import type { SimService } from "../sim-call.ts";
import { deleteAlarms, putMetricAlarm, setAlarmState } from "./alarm-operations.ts";
import { type Alarms, createAlarms } from "./alarms.ts";
import { cloudWatchFaults } from "./cloudwatch-faults.ts";
import { describeAlarms } from "./describe-alarms.ts";
import type { AlarmValue, SimAlarm } from "./sim-alarm.ts";

/** Alarms without metrics: they go off when they are told to. */
export interface SimCloudWatch {
  readonly service: SimService;
  /** Makes one that somebody else had made. */
  addAlarm(input: AlarmInput): void;
  /** Every alarm of that name, in all accounts. */
  setAlarm(name: string, value: AlarmValue, reason?: string): void;
  /** Of one account and region, by name. */
  findAlarms(account: string, region: string): readonly SimAlarm[];
  /** Alarms as Auto Scaling works with them. */
  readonly policyAlarms: PolicyAlarms;
}

/** An alarm that stands. */
export interface AlarmInput extends AlarmPlace {
  readonly name: string;
  /** Default: OK. */
  readonly state?: AlarmValue;
  readonly actions?: readonly string[];
}

/** CloudWatch without alarms. Source: API reference (2010-08-01). */
export function createCloudWatch({ clock }: { readonly clock: Clock }): SimCloudWatch {
  const alarms = createAlarms();
  return {
    service: {
      operations: {
        DeleteAlarms: (call) => deleteAlarms(alarms, call),
        DescribeAlarms: (call) => describeAlarms(alarms, call),
        PutMetricAlarm: (call) => putMetricAlarm(alarms, call),
        SetAlarmState: (call) => setAlarmState(alarms, call),
      },
      toAction: (operation) => `cloudwatch:${operation}`,
      faults: cloudWatchFaults,
    },
    addAlarm: ({ account, region, ...input }) => addAlarm(alarms, { account, region }, { ...input, at: clock.now() }),
    setAlarm(name, value, reason = `Set to ${value} by a test`) {
      const found = alarms.named(name);
      if (found.length === 0) throw new RangeError(`The simulation has no alarm ${name}.`);
      for (const alarm of found) alarms.setState(alarm, { value, reason, at: clock.now() });
    },
    findAlarms: (account, region) => alarms.list({ account, region }),
    policyAlarms: {
      alarmsOf: ({ actionArn, ...place }) =>
        alarms.list(place).filter(({ request }) => textsOf(request, "AlarmActions").includes(actionArn)),
      putTrackingAlarm: ({ account, region, name, actionArn }) =>
        addAlarm(alarms, { account, region }, { name, actions: [actionArn], at: clock.now() }),
      deleteTrackingAlarm: ({ name, ...place }) => void alarms.remove(place, name),
    },
  };
}

function addAlarm(
  alarms: Alarms,
  place: AlarmPlace,
  { name, state = "OK", actions = [], at }: Omit<AlarmInput, keyof AlarmPlace> & { readonly at: number },
): void {
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
  alarms.put(place, { name, request, configuredAt: at, state: { value: state, reason: "Threshold Crossed", at } });
}
