import { allow, type Permission } from "./statement.ts";

const ITEMS = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"];

/** The calls of the store on its two tables: no transactions, and no creation of tables. */
export function toDynamodbPermission(tables: { readonly stacksArn: string; readonly workArn: string }): Permission {
  const { stacksArn, workArn } = tables;
  return {
    name: "StoreTables",
    statements: [
      allow("Stacks", ["dynamodb:DescribeTable", ...ITEMS, "dynamodb:Scan"], stacksArn),
      allow("StacksThatAreDue", ["dynamodb:Query"], `${stacksArn}/index/*`),
      allow("Work", ["dynamodb:DescribeTable", ...ITEMS, "dynamodb:UpdateItem"], workArn),
      allow("WorkInOrder", ["dynamodb:Query"], [workArn, `${workArn}/index/*`]),
    ],
  };
}
