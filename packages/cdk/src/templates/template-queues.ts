import { CfnCondition, Fn, type Stack, Token } from "aws-cdk-lib";

import type { YardQueuesProps } from "../queues/yard-queues.ts";
import type { TemplateParameters } from "./template-parameters.ts";
import { addTaskVisibility } from "./template-settings.ts";

/** Returns the settings of a template's queues. */
export function toQueueSettings(stack: Stack, parameters: TemplateParameters): YardQueuesProps {
  const isMain = parameters.condition("IsMainYard", "YardName", "main");
  const hasNone = parameters.condition("HasNoLongTasks", "LongTasks", "none");
  return {
    prefix: Token.asString(Fn.conditionIf(isMain.logicalId, "", `${parameters.text("YardName")}-`)),
    keepsOrder: parameters.condition("KeepsOrder", "EventOrder", "fifo"),
    hasLongTasks: new CfnCondition(stack, "HasLongTasks", { expression: Fn.conditionNot(hasNone) }),
    eventSenders: {
      topicArn: parameters.given("EventTopicArn"),
      ruleArns: parameters.givenList("EventRuleArns"),
      principals: parameters.givenList("EventSenderArns"),
    },
    taskVisibilitySeconds: addTaskVisibility(stack),
  };
}
