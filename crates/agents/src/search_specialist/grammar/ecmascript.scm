(function_declaration name: (_) @name) @symbol.function
(generator_function_declaration name: (_) @name) @symbol.function
(class_declaration name: (_) @name) @symbol.class
(method_definition name: (_) @name) @symbol.method
(variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression) (generator_function)]) @symbol.function
(variable_declarator name: (identifier) @name) @symbol.variable
(assignment_expression left: (member_expression property: (_) @name) right: [(arrow_function) (function_expression)]) @symbol.function
(arrow_function) @scope
(function_expression) @scope
(generator_function) @scope
(variable_declarator name: (object_pattern) @bind.variable)
(variable_declarator name: (array_pattern) @bind.variable)
(for_in_statement kind: _ left: (_) @bind.variable)
(catch_clause parameter: (_) @bind.parameter)
(formal_parameters (_) @bind.parameter)
(arrow_function parameter: (_) @bind.parameter)
(import_specifier alias: (_) @bind.alias)
(namespace_import (identifier) @bind.alias)
