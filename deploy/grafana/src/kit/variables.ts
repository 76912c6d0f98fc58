import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import { CustomVariableBuilder, DatasourceVariableBuilder, QueryVariableBuilder, TextBoxVariableBuilder, type VariableModel, VariableRefresh, VariableSort } from '@grafana/grafana-foundation-sdk/dashboard';
import { type Backend, type PerBackend, backendTitles, datasource, datasourceUid } from './backend';

type Variable = cog.Builder<VariableModel>;

/** Matches what has no such name too: in both backends a name that is missing is the empty one. */
const everything = '.*';

/** Which data source the whole dashboard reads. */
export function datasourceVariable(backend: Backend): Variable {
  return new DatasourceVariableBuilder('datasource')
    .label('Data source')
    .type(backend)
    .current({ text: `kubebpfbox ${backendTitles[backend]}`, value: datasourceUid(backend) });
}

/** Values that a query finds: any number of them, or all. */
export function namesVariable(backend: Backend, name: string, label: string, queries: PerBackend<string>, description?: string): Variable {
  const builder = new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource(backend))
    .query(queries[backend])
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalCaseInsensitiveAsc)
    .multi(true)
    .includeAll(true)
    .allValue(everything)
    .current({ text: ['All'], value: ['$__all'] });
  return description === undefined ? builder : builder.description(description);
}

/** One of a few values. */
export function choiceVariable(name: string, label: string, choices: readonly (readonly [text: string, value: string])[], description: string, takesOthers = false): Variable {
  const [text, value] = choices[0]!;
  return new CustomVariableBuilder(name)
    .label(label)
    .description(description)
    .values(choices.map(([key, meaning]) => (key === meaning ? key : `${key} : ${meaning}`)).join(', '))
    .current({ text, value })
    .allowCustomValue(takesOthers);
}

/** Text that a person types. */
export function textVariable(name: string, label: string, initial: string, description: string): Variable {
  return new TextBoxVariableBuilder(name).label(label).description(description).defaultValue(initial).current({ text: initial, value: initial });
}
