import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';

/** Beside the sources, so that packages are found; the files exist in memory only. */
const root = resolve(__dirname, '..', '..', 'src', 'check');

/** What the compiler says of objects that are to be dashboards: a list of complaints for each, empty where all is well. */
export function typeCheck(dashboards: readonly unknown[]): string[][] {
  const texts = new Map(dashboards.map((dashboard, index) => [join(root, `dashboard${index}.ts`), moduleOf(dashboard)]));
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    lib: ['lib.es2022.d.ts'],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    noEmit: true,
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => texts.has(path) || fileExists(path);
  host.readFile = (path) => texts.get(path) ?? readFile(path);
  host.getSourceFile = (path, language, ...rest) => {
    const text = texts.get(path);
    return text === undefined ? getSourceFile(path, language, ...rest) : ts.createSourceFile(path, text, language);
  };
  const program = ts.createProgram([...texts.keys()], options, host);
  const broken = [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics(), ...program.getSemanticDiagnostics(program.getSourceFile(join(root, 'schema.ts')))];
  if (broken.length > 0) {
    throw new Error(`the schema itself does not compile: ${broken.map(describe).join('\n')}`);
  }
  return [...texts.keys()].map((path) => {
    const source = program.getSourceFile(path)!;
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(describe);
  });
}

function moduleOf(dashboard: unknown): string {
  return `import type { CheckedDashboard } from './schema';\nexport const dashboard: CheckedDashboard = ${JSON.stringify(dashboard, null, 1)};\n`;
}

function describe(diagnostic: ts.Diagnostic): string {
  const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ');
  if (diagnostic.file === undefined || diagnostic.start === undefined) {
    return message;
  }
  const { line } = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start);
  return `${diagnostic.file.fileName.slice(dirname(root).length + 1)}, line ${line + 1} (${diagnostic.file.text.split('\n')[line]?.trim()}): ${message}`;
}
