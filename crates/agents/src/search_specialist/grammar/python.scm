(function_definition name: (_) @name) @symbol.function
(class_definition name: (_) @name) @symbol.class
(type_alias_statement left: (type (identifier) @name)) @symbol.type
(assignment left: (identifier) @name) @symbol.variable
((assignment left: (attribute object: (identifier) @self attribute: (identifier) @name)) @symbol.field
 (#eq? @self "self"))
(lambda) @scope
(assignment left: (pattern_list) @bind.variable)
(assignment left: (tuple_pattern) @bind.variable)
(assignment left: (list_pattern) @bind.variable)
(for_statement left: (_) @bind.variable)
(for_in_clause left: (_) @bind.variable)
(as_pattern alias: (_) @bind.variable)
(named_expression name: (_) @bind.variable)
(parameters (_) @bind.parameter)
(lambda_parameters (_) @bind.parameter)
(default_parameter name: (_) @bind.parameter)
(typed_default_parameter name: (_) @bind.parameter)
(typed_parameter (identifier) @bind.parameter)
(typed_parameter (list_splat_pattern) @bind.parameter)
(typed_parameter (dictionary_splat_pattern) @bind.parameter)
(aliased_import alias: (_) @bind.alias)
