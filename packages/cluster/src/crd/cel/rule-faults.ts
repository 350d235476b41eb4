import { invalid, item, join, notSupported, required } from '../../schema/fault.ts';
import { isRecord, list, text } from '../../store/fields.ts';
import type { FieldFault } from '../../types.ts';
import { readJsonPath } from '../json-path.ts';
import { type Program, programOf } from './program.ts';

const REASONS = ['FieldValueRequired', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueDuplicate'];

const compileFaults = (path: string, expression: string, then: (program: Program) => readonly FieldFault[]) => {
  try {
    return then(programOf(expression));
  } catch (error) {
    return [invalid(path, expression, `compilation failed: ${(error as Error).message}`)];
  }
};

const fieldPathFaults = (path: string, value: unknown): readonly FieldFault[] => {
  if (typeof value !== 'string' || value === '') return [];
  try {
    readJsonPath(value);
    return [];
  } catch (error) {
    return [invalid(path, value, `must be a valid path: ${(error as Error).message}`)];
  }
};

const oneRule = (raw: unknown, path: string, uncorrelated: boolean): readonly FieldFault[] => {
  if (!isRecord(raw)) return [];
  const { message, messageExpression, reason, fieldPath, optionalOldSelf } = raw;
  const rule = text(raw.rule);
  if (rule.trim() === '') return [required(join(path, 'rule'), 'rule is not specified')];
  const faults: FieldFault[] = [
    ...compileFaults(join(path, 'rule'), rule, ({ usesOld }) => {
      if (usesOld && uncorrelated)
        return [
          invalid(
            join(path, 'rule'),
            rule,
            'oldSelf cannot be used on the uncorrelatable portion of the schema: items of lists without keys have no old value',
          ),
        ];
      return !usesOld && optionalOldSelf === true
        ? [invalid(join(path, 'optionalOldSelf'), true, 'may not be set if oldSelf is not used in rule')]
        : [];
    }),
    ...fieldPathFaults(join(path, 'fieldPath'), fieldPath),
  ];
  if (typeof message === 'string' && message !== '' && message.trim() === '')
    faults.push(invalid(join(path, 'message'), message, 'message must be non-empty if specified'));
  if (text(message).includes('\n'))
    faults.push(invalid(join(path, 'message'), message, 'message must not contain line breaks'));
  if (rule.includes('\n') && text(message) === '' && text(messageExpression) === '')
    faults.push(required(join(path, 'message'), 'message must be specified if rule contains line breaks'));
  if (typeof messageExpression === 'string' && messageExpression !== '')
    faults.push(...compileFaults(join(path, 'messageExpression'), messageExpression, () => []));
  if (reason !== undefined && !REASONS.includes(text(reason)))
    faults.push(notSupported(join(path, 'reason'), reason, REASONS));
  return faults;
};

/** What is wrong with the validation rules of a schema node; `uncorrelated` says that its values have no old ones. */
export const ruleFaults = (
  raw: Readonly<Record<string, unknown>>,
  path: string,
  uncorrelated: boolean,
): readonly FieldFault[] =>
  list(raw['x-kubernetes-validations']).flatMap((rule, index) =>
    oneRule(rule, item(join(path, 'x-kubernetes-validations'), index), uncorrelated),
  );
