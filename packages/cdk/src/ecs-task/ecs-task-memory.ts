import { RemovalPolicy } from "aws-cdk-lib";
import { CfnTable } from "aws-cdk-lib/aws-dynamodb";
import { CfnSecret } from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";

/** Creates the table of requests; entries expire automatically. */
export function createRecordsTable(scope: Construct, id: string, tableName: string): CfnTable {
  const table = new CfnTable(scope, id, {
    tableName,
    billingMode: "PAY_PER_REQUEST",
    attributeDefinitions: ["pk", "sk"].map((attributeName) => ({ attributeName, attributeType: "S" })),
    keySchema: [
      { attributeName: "pk", keyType: "HASH" },
      { attributeName: "sk", keyType: "RANGE" },
    ],
    timeToLiveSpecification: { attributeName: "ttl", enabled: true },
  });
  table.applyRemovalPolicy(RemovalPolicy.DESTROY);
  return table;
}

/** Creates the secret that encrypts the addresses of answers: a caller that knows an address may answer in our place. */
export function createAnswerSecret(scope: Construct, id: string): CfnSecret {
  return new CfnSecret(scope, id, {
    description: "Stackyard: encrypts the addresses at which CloudFormation waits for answers.",
    generateSecretString: { passwordLength: 64, excludePunctuation: true },
  });
}
