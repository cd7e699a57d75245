import { globSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";

/** Prints whole types: structures in place of names that only the compiler can compute. */
const WHOLE = ts.NodeBuilderFlags.NoTruncation | ts.NodeBuilderFlags.InTypeAlias | ts.NodeBuilderFlags.IgnoreErrors;
const SETTINGS: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2024,
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  types: [],
};
const printer = ts.createPrinter();

/**
 * Replaces the declarations of the package in `folder`, and of our packages in it, by what `entries` export and no more, with the types of
 * schemas written out. A program that checks its libraries (`skipLibCheck: false`) then does not compute all schemas of core.
 */
export function flattenTypes(folder: string, entries: readonly string[]): void {
  writeOut(folder, entries);
  const program = openProgram(folder, entries);
  const files = new Map(ourFiles(folder, program).map((file) => [file, new Set<ts.Statement>()]));
  const barrels = new Map(entries.map((entry) => [join(folder, entry), listExports(program, join(folder, entry))]));
  for (const symbols of barrels.values())
    for (const { target } of symbols) keep(target, files, program.getTypeChecker());
  for (const path of listDeclarations(folder)) rmSync(path);
  for (const [file, kept] of files) if (kept.size > 0) write(file.fileName, toShaken(file, kept, { files, program }));
  for (const [path, symbols] of barrels) write(path, toBarrel(path, symbols));
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function openProgram(folder: string, entries: readonly string[]): ts.Program {
  const paths = entries.map((path) => join(folder, path));
  return ts.createProgram(paths, SETTINGS);
}

function listDeclarations(folder: string): readonly string[] {
  const paths = globSync(["dist/**/*.d.ts", "node_modules/@stackyard/*/dist/**/*.d.ts"], { cwd: folder });
  return paths.map((path) => join(folder, path));
}

function ourFiles(folder: string, program: ts.Program): readonly ts.SourceFile[] {
  const paths = new Set(listDeclarations(folder));
  return program.getSourceFiles().filter(({ fileName }) => paths.has(fileName));
}

/** Writes out each type that is computed from a schema; the type of the schema itself becomes `unknown`. */
function writeOut(folder: string, entries: readonly string[]): void {
  const program = openProgram(folder, entries);
  const texts = ourFiles(folder, program).map((file) => {
    const statements = file.statements.map((statement) => withoutSchemas(statement, program.getTypeChecker()));
    const lines = statements.map((statement) => printer.printNode(ts.EmitHint.Unspecified, statement, file));
    return [file.fileName, lines.join("\n")] as const;
  });
  for (const [path, text] of texts) writeFileSync(path, text);
}

function withoutSchemas(statement: ts.Statement, checker: ts.TypeChecker): ts.Statement {
  if (ts.isVariableStatement(statement)) return hideSchemas(statement);
  if (!ts.isTypeAliasDeclaration(statement) || statement.typeParameters || !isComputed(statement.type))
    return statement;
  const type = checker.typeToTypeNode(checker.getTypeAtLocation(statement.name), statement, WHOLE);
  return type === undefined
    ? statement
    : ts.factory.updateTypeAliasDeclaration(statement, statement.modifiers, statement.name, undefined, type);
}

function isComputed(node: ts.Node): boolean {
  if (ts.isTypeQueryNode(node)) return true;
  if (ts.isTypeReferenceNode(node) && node.typeName.getText() === "Static") return true;
  return ts.forEachChild(node, (child) => isComputed(child) || undefined) === true;
}

function hideSchemas(statement: ts.VariableStatement): ts.VariableStatement {
  const unknown = ts.factory.createKeywordTypeNode(ts.SyntaxKind.UnknownKeyword);
  const declarations = statement.declarationList.declarations.map((each) =>
    each.type !== undefined && /\bT[A-Z]\w*</.test(each.type.getText())
      ? ts.factory.updateVariableDeclaration(each, each.name, undefined, unknown, undefined)
      : each,
  );
  const list = ts.factory.updateVariableDeclarationList(statement.declarationList, declarations);
  return ts.factory.updateVariableStatement(statement, statement.modifiers, list);
}

/** A name that an entry exports, and what it stands for. */
interface Exported {
  readonly name: string;
  readonly target: ts.Symbol;
}

function listExports(program: ts.Program, path: string): readonly Exported[] {
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(path);
  const module = file && checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`${path} is not a module.`);
  return checker.getExportsOfModule(module).map((symbol) => ({ name: symbol.name, target: follow(symbol, checker) }));
}

function follow(symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

type Kept = ReadonlyMap<ts.SourceFile, Set<ts.Statement>>;

/** Keeps the statements that declare the symbol, and all that these name. */
function keep(symbol: ts.Symbol, files: Kept, checker: ts.TypeChecker): void {
  for (const declaration of symbol.declarations ?? []) {
    const statement = statementOf(declaration);
    const kept = files.get(declaration.getSourceFile());
    if (statement === undefined || kept === undefined || kept.has(statement)) continue;
    kept.add(statement);
    for (const name of listNames(statement)) {
      const named = checker.getSymbolAtLocation(name);
      if (named !== undefined) keep(follow(named, checker), files, checker);
    }
  }
}

function statementOf(node: ts.Node): ts.Statement | undefined {
  if (ts.isSourceFile(node)) return undefined;
  return ts.isSourceFile(node.parent) ? (node as ts.Statement) : statementOf(node.parent);
}

function listNames(node: ts.Node): readonly ts.Identifier[] {
  const names: ts.Identifier[] = [];
  const visit = (child: ts.Node): void => {
    if (ts.isIdentifier(child)) names.push(child);
    ts.forEachChild(child, visit);
  };
  visit(node);
  return names;
}

interface ShakeInput {
  readonly files: Kept;
  readonly program: ts.Program;
}

/** Returns the kept statements of a file. What they import comes from the very file that declares it. */
function toShaken(file: ts.SourceFile, kept: ReadonlySet<ts.Statement>, { files, program }: ShakeInput): string {
  const checker = program.getTypeChecker();
  const imports = new Set<string>();
  for (const name of [...kept].flatMap(listNames)) {
    const symbol = checker.getSymbolAtLocation(name);
    const [from] = symbol?.declarations ?? [];
    if (symbol === undefined || from === undefined || !(symbol.flags & ts.SymbolFlags.Alias)) continue;
    if (from.getSourceFile() !== file || name.text !== symbol.name) continue;
    const target = follow(symbol, checker);
    const [declared] = target.declarations ?? [];
    const isOurs = declared !== undefined && files.has(declared.getSourceFile());
    imports.add(isOurs ? toImport(symbol.name, target, file.fileName) : toForeignImport(from));
  }
  const text = file.statements.filter((each) => kept.has(each)).map((each) => each.getFullText(file).trim());
  return `${[...imports].sort().concat(text).join("\n")}\n`;
}

function toImport(local: string, target: ts.Symbol, from: string): string {
  return `import { ${target.name} as ${local} } from "${toSpecifier(target, from)}";`;
}

function toForeignImport(declaration: ts.Declaration): string {
  const statement = statementOf(declaration);
  return statement === undefined ? "" : statement.getText();
}

function toSpecifier(target: ts.Symbol, from: string): string {
  const path = target.declarations?.[0]?.getSourceFile().fileName ?? "";
  const way = relative(dirname(from), path).replace(/\.d\.ts$/, ".js");
  return way.startsWith(".") ? way : `./${way}`;
}

function toBarrel(path: string, symbols: readonly Exported[]): string {
  const lines = symbols.map(({ name, target }) => {
    const kind = target.flags & ts.SymbolFlags.Value ? "export" : "export type";
    return `${kind} { ${target.name} as ${name} } from "${toSpecifier(target, path)}";`;
  });
  return `${lines.sort().join("\n")}\n`;
}
